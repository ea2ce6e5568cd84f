"""Masks the given array in place."""

from autograder.mutants import patched

HINT = "your own copies"

patched(
    "hw1.compute_gae",
    (
        "    ### BEGIN SOLUTION\n    deltas",
        ("    ### BEGIN SOLUTION\n    next_values *= ~terminated\n    deltas"),
    ),
)
