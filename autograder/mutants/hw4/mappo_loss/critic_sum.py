"""Adds up the errors."""

from autograder.mutants import patched

HINT = "sum over frames and agents"

patched(
    "hw4.mappo_loss",
    (
        "loss_critic = critic_coef * 0.5 * ((value - value_target.detach()) ** 2).mean()",
        "loss_critic = critic_coef * 0.5 * ((value - value_target.detach()) ** 2).sum()",
    ),
)
