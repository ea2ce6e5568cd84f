"""Returns an objective for every entry."""

from autograder.mutants import patched

HINT = "One value for each entry"

patched(
    "hw4.mappo_loss",
    (
        "loss_objective = -torch.min(ratio * gain, clipped_ratio * gain).mean()",
        "loss_objective = -torch.min(ratio * gain, clipped_ratio * gain)",
    ),
)
