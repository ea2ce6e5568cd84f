"""Adds up instead of averaging."""

from autograder.mutants import patched

HINT = "sum over frames and agents"

patched(
    "hw4.mappo_loss",
    (
        "loss_objective = -torch.min(ratio * gain, clipped_ratio * gain).mean()",
        "loss_objective = -torch.min(ratio * gain, clipped_ratio * gain).sum()",
    ),
)
