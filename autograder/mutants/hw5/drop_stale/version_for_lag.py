"""Compares the version with the limit."""

from autograder.mutants import patched

HINT = "The version is compared with the limit"

patched(
    "hw5.drop_stale",
    ("lag(trajectory, version) <= max_lag", "trajectory.version <= max_lag"),
)
