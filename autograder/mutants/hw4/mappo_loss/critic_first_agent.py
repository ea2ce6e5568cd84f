"""Lets the critic learn from agent 0 only."""

from autograder.mutants import patched

HINT = "Only agent 0 counts"

patched(
    "hw4.mappo_loss",
    (
        "loss_critic = critic_coef * 0.5 * ((value - value_target.detach()) ** 2).mean()",
        "loss_critic = critic_coef * 0.5 * ((value - value_target.detach())[:, 0] ** 2).mean()",
    ),
)
