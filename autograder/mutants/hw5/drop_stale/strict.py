"""Drops what is exactly at the limit."""

from autograder.mutants import patched

HINT = "A lag of max_lag is still allowed"

patched(
    "hw5.drop_stale",
    ("<= max_lag", "< max_lag"),
)
