"""Writes the square out, of which no digit is left where values are large."""

from autograder.mutants import patched

HINT = "Subtract first"

patched(
    "hw4.mappo_loss",
    (
        "loss_critic = critic_coef * 0.5 * ((value - value_target.detach()) ** 2).mean()",
        "known = value_target.detach()\n    loss_critic = critic_coef * 0.5 * (value**2 - 2 * value * known + known**2).mean()",
    ),
)
