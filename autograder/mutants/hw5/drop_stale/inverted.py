"""Keeps the old ones."""

from autograder.mutants import patched

HINT = "Kept and dropped have changed places"

patched(
    "hw5.drop_stale",
    ("lag(trajectory, version) <= max_lag", "lag(trajectory, version) > max_lag"),
)
