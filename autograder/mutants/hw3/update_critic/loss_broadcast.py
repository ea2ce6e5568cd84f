"""Subtracts (batch,) from (batch, 1): the loss of all pairs."""

from autograder.mutants import patched

HINT = "broadcasts to (batch, batch)"

patched(
    "hw3.update_critic",
    ("self.critic_loss(q_values, target_values)", "((q_values[:, None] - target_values) ** 2).mean()"),
)
