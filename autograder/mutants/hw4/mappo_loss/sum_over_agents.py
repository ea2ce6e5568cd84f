"""Adds up over the agents."""

from autograder.mutants import patched

HINT = "sum over the agents"

patched(
    "hw4.mappo_loss",
    (
        "loss_objective = -torch.min(ratio * gain, clipped_ratio * gain).mean()",
        "loss_objective = -torch.min(ratio * gain, clipped_ratio * gain).sum(dim=-1).mean()",
    ),
)
