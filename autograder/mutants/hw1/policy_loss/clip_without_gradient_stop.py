"""Clips the value and keeps the gradient of clipped samples."""

from autograder.mutants import patched

HINT = "still have a gradient"

patched(
    "hw1.policy_loss",
    (
        "clipped_ratio = ratio.clamp(1.0 - clip_range, 1.0 + clip_range)",
        ("clipped_ratio = ratio + (ratio.clamp(1.0 - clip_range, 1.0 + clip_range) - ratio).detach()"),
    ),
)
