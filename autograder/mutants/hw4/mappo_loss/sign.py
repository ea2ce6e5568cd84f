"""Minimises the objective."""

from autograder.mutants import patched

HINT = "The sign is wrong: the objective"

patched(
    "hw4.mappo_loss",
    (
        "loss_objective = -torch.min(ratio * gain, clipped_ratio * gain).mean()",
        "loss_objective = torch.min(ratio * gain, clipped_ratio * gain).mean()",
    ),
)
