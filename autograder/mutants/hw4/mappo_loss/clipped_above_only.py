"""Clips above only."""

from autograder.mutants import patched

HINT = "clipped above only"

patched(
    "hw4.mappo_loss",
    (
        "clipped_ratio = ratio.clamp(1.0 - clip_epsilon, 1.0 + clip_epsilon)",
        "clipped_ratio = ratio.clamp(max=1.0 + clip_epsilon)",
    ),
)
