"""Clamps ratio times advantage."""

from autograder.mutants import patched

HINT = "Clamp the ratio"

patched(
    "hw1.policy_loss",
    ("clipped_ratio * advantage)", "(ratio * advantage).clamp(1.0 - clip_range, 1.0 + clip_range))"),
)
