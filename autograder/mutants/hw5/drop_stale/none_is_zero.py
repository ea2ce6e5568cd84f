"""Takes None for 0."""

from autograder.mutants import patched

HINT = "With max_lag None every trajectory is kept"

patched(
    "hw5.drop_stale",
    (
        "fresh = max_lag is None or lag(trajectory, version) <= max_lag",
        "fresh = lag(trajectory, version) <= (max_lag or 0)",
    ),
)
