"""Takes the smaller of two means."""

from autograder.mutants import patched

HINT = "for every entry"

patched(
    "hw4.mappo_loss",
    (
        "loss_objective = -torch.min(ratio * gain, clipped_ratio * gain).mean()",
        "loss_objective = -torch.min((ratio * gain).mean(), (clipped_ratio * gain).mean())",
    ),
)
