"""Hands out one and the same list where nothing is dropped."""

from autograder.mutants import patched

HINT = "Make two new lists in every call"

patched(
    "hw5.drop_stale",
    ("    return kept, dropped", "    return kept, dropped or globals().setdefault('nothing', [])"),
)
