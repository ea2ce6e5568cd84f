"""Smooths the error, as TorchRL does by default."""

from autograder.mutants import patched

HINT = "smooth L1"

patched(
    "hw4.mappo_loss",
    (
        "loss_critic = critic_coef * 0.5 * ((value - value_target.detach()) ** 2).mean()",
        "loss_critic = critic_coef * torch.nn.functional.smooth_l1_loss(value, value_target.detach())",
    ),
)
