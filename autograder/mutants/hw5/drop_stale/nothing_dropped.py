"""Keeps all."""

from autograder.mutants import patched

HINT = "Nothing is dropped"

patched(
    "hw5.drop_stale",
    (
        "fresh = max_lag is None or lag(trajectory, version) <= max_lag",
        "fresh = lag(trajectory, version) <= 10**9",
    ),
)
