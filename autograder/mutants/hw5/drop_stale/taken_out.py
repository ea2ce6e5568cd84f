"""Takes the dropped ones out of the list that was given."""

from autograder.mutants import patched

HINT = "Compute in your own copies"

patched(
    "hw5.drop_stale",
    ("return kept, dropped", "trajectories[:] = kept\n    return kept, dropped"),
)
