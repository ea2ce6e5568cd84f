"""Clips below only."""

from autograder.mutants import patched

HINT = "clipped below only"

patched(
    "hw4.mappo_loss",
    (
        "clipped_ratio = ratio.clamp(1.0 - clip_epsilon, 1.0 + clip_epsilon)",
        "clipped_ratio = ratio.clamp(min=1.0 - clip_epsilon)",
    ),
)
