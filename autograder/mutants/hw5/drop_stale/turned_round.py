"""Puts each in front."""

from autograder.mutants import patched

HINT = "The order is turned round"

patched(
    "hw5.drop_stale",
    ("(kept if fresh else dropped).append(trajectory)", "(kept if fresh else dropped).insert(0, trajectory)"),
)
