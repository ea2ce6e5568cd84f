"""Maximises the error."""

from autograder.mutants import patched

HINT = "the error must become smaller"

patched(
    "hw4.mappo_loss",
    (
        "loss_critic = critic_coef * 0.5 * ((value - value_target.detach()) ** 2).mean()",
        "loss_critic = -critic_coef * 0.5 * ((value - value_target.detach()) ** 2).mean()",
    ),
)
