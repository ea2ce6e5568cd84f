"""Returns dropped before kept."""

from autograder.mutants import patched

HINT = "Kept and dropped"

patched(
    "hw5.drop_stale",
    ("return kept, dropped", "return dropped, kept"),
)
