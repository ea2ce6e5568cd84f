"""Limits above 100 count as none."""

from autograder.mutants import patched

HINT = "Nothing is dropped"

patched(
    "hw5.drop_stale",
    ("max_lag is None or", "max_lag is None or max_lag > 100 or"),
)
