"""Drops a trajectory from the future."""

from autograder.mutants import patched

HINT = "lag(trajectory, version) raises it"

patched(
    "hw5.drop_stale",
    ("lag(trajectory, version) <= max_lag", "0 <= version - trajectory.version <= max_lag"),
)
