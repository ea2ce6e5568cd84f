"""Copies the first parameter alone."""

from autograder.mutants import patched

HINT = "is no copy"

patched(
    "hw3.update",
    (
        "self.update_target_critic()",
        "next(self.target_critic.parameters()).data.copy_(next(self.critic.parameters()))",
    ),
)
