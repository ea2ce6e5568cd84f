"""Sorts by the worker's numbers."""

from autograder.mutants import patched

HINT = "each list in the order given"

patched(
    "hw5.drop_stale",
    ("return kept, dropped", "kept.sort(key=lambda t: t.sequence)\n    return kept, dropped"),
)
