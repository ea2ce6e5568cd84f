"""Squares the mean error of the agents."""

from autograder.mutants import patched

HINT = "cancel before they are squared"

patched(
    "hw4.mappo_loss",
    (
        "loss_critic = critic_coef * 0.5 * ((value - value_target.detach()) ** 2).mean()",
        "loss_critic = critic_coef * 0.5 * ((value - value_target.detach()).mean(dim=1) ** 2).mean()",
    ),
)
