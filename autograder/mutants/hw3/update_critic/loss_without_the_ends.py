"""Leaves terminal transitions out of the loss."""

from autograder.mutants import patched

HINT = "left out of the loss"

patched(
    "hw3.update_critic",
    (
        "self.critic_loss(q_values, target_values)",
        "self.critic_loss(q_values[~done.bool()], target_values[~done.bool()])",
    ),
)
