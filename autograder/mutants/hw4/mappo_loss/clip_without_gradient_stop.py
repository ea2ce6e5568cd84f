"""Lets clipped entries keep their gradient."""

from autograder.mutants import patched

HINT = "Clipped entries still have a gradient"

patched(
    "hw4.mappo_loss",
    (
        "clipped_ratio = ratio.clamp(1.0 - clip_epsilon, 1.0 + clip_epsilon)",
        "clipped_ratio = ratio - ratio.detach() + ratio.detach().clamp(1.0 - clip_epsilon, 1.0 + clip_epsilon)",
    ),
)
