"""Asks for no lag any more once one was too large."""

from autograder.mutants import patched

HINT = "lag(trajectory, version) raises it"

patched(
    "hw5.drop_stale",
    (
        "lag(trajectory, version) <= max_lag",
        "(version - trajectory.version if dropped else lag(trajectory, version)) <= max_lag",
    ),
)
