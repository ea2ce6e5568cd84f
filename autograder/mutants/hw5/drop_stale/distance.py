"""Takes the distance of the versions, whichever is newer."""

from autograder.mutants import patched

HINT = "lag(trajectory, version) raises it"

patched(
    "hw5.drop_stale",
    ("lag(trajectory, version) <= max_lag", "abs(version - trajectory.version) <= max_lag"),
)
