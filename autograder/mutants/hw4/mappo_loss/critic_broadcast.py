"""Takes the last axis from the target alone."""

from autograder.mutants import patched

HINT = "Broadcasting made values"

patched(
    "hw4.mappo_loss",
    (
        "loss_critic = critic_coef * 0.5 * ((value - value_target.detach()) ** 2).mean()",
        "loss_critic = critic_coef * 0.5 * ((value - value_target.detach().squeeze(-1)) ** 2).mean()",
    ),
)
