"""Takes the clipped objective alone."""

from autograder.mutants import patched

HINT = "only the clipped objective"

patched(
    "hw4.mappo_loss",
    (
        "loss_objective = -torch.min(ratio * gain, clipped_ratio * gain).mean()",
        "loss_objective = -(clipped_ratio * gain).mean()",
    ),
)
