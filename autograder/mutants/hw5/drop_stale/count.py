"""Returns how many were dropped."""

from autograder.mutants import patched

HINT = "Two lists"

patched(
    "hw5.drop_stale",
    ("return kept, dropped", "return kept, len(dropped)"),
)
