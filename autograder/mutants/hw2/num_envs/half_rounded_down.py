"""Halves an odd number of steps with //."""

from autograder.mutants import patched

HINT = "the nearest positive multiple"

patched(
    "hw2.num_envs",
    ("frames_per_batch - below <= above - frames_per_batch", "frames_per_batch - below < max_steps // 2"),
)
