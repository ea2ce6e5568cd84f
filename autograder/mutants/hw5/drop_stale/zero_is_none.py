"""Takes a limit of 0 for none."""

from autograder.mutants import patched

HINT = "0 is no None"

patched(
    "hw5.drop_stale",
    ("max_lag is None", "not max_lag"),
)
