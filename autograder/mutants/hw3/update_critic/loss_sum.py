"""Sums the squared errors over the batch."""

from autograder.mutants import patched

HINT = "sum over the batch"

patched(
    "hw3.update_critic",
    ("self.critic_loss(q_values, target_values)", "((q_values - target_values) ** 2).sum()"),
)
