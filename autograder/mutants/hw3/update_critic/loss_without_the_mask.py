"""Learns from targets without the mask."""

from autograder.mutants import patched

HINT = "target without the mask"

patched(
    "hw3.update_critic",
    (
        "self.critic_loss(q_values, target_values)",
        "self.critic_loss(q_values, reward + self.discount * next_value)",
    ),
)
