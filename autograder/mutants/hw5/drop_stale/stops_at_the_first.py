"""Drops everything after the first stale one."""

from autograder.mutants import patched

HINT = "Kept are those whose lag is at most max_lag"

patched(
    "hw5.drop_stale",
    (
        "(kept if fresh else dropped).append(trajectory)",
        "(kept if fresh and not dropped else dropped).append(trajectory)",
    ),
)
