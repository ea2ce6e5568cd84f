"""Allows one more."""

from autograder.mutants import patched

HINT = "max_lag + 1 is too old"

patched(
    "hw5.drop_stale",
    ("<= max_lag", "<= max_lag + 1"),
)
