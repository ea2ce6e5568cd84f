"""Returns the kept ones alone."""

from autograder.mutants import patched

HINT = "return kept, dropped"

patched(
    "hw5.drop_stale",
    ("return kept, dropped", "return kept"),
)
