"""Uses the clipped loss of the paper instead of self.critic_loss."""

from autograder.mutants import patched

HINT = "Huber"

patched(
    "hw3.update_critic",
    (
        "self.critic_loss(q_values, target_values)",
        "torch.nn.functional.smooth_l1_loss(q_values, target_values)",
    ),
)
