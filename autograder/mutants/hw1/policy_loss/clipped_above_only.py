"""Clips the ratio above only."""

from autograder.mutants import patched

HINT = "above only"

patched(
    "hw1.policy_loss",
    ("ratio.clamp(1.0 - clip_range, 1.0 + clip_range)", "ratio.clamp(max=1.0 + clip_range)"),
)
