"""Asks for the lag where there is no limit too, and a trajectory from the future is refused."""

from autograder.mutants import patched

HINT = "With max_lag None every trajectory is kept"

patched(
    "hw5.drop_stale",
    (
        "max_lag is None or lag(trajectory, version) <= max_lag",
        'lag(trajectory, version) <= (float("inf") if max_lag is None else max_lag)',
    ),
)
