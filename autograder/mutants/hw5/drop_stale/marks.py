"""Marks what it has seen in the arrays."""

from autograder.mutants import patched

HINT = "Compute in your own copies"

patched(
    "hw5.drop_stale",
    (
        "(kept if fresh else dropped).append(trajectory)",
        'trajectory.arrays["rewards"] *= fresh\n        (kept if fresh else dropped).append(trajectory)',
    ),
)
