"""Clips the ratio below only."""

from autograder.mutants import patched

HINT = "below only"

patched(
    "hw1.policy_loss",
    ("ratio.clamp(1.0 - clip_range, 1.0 + clip_range)", "ratio.clamp(min=1.0 - clip_range)"),
)
