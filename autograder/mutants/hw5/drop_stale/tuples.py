"""Returns tuples."""

from autograder.mutants import patched

HINT = "Two lists"

patched(
    "hw5.drop_stale",
    ("return kept, dropped", "return tuple(kept), tuple(dropped)"),
)
