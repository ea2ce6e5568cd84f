"""Clips nothing."""

from autograder.mutants import patched

HINT = "Nothing is clipped"

patched(
    "hw4.mappo_loss",
    (
        "loss_objective = -torch.min(ratio * gain, clipped_ratio * gain).mean()",
        "loss_objective = -(ratio * gain).mean()",
    ),
)
