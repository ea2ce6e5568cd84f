"""Clears the optimiser's memory at every copy."""

from autograder.mutants import patched

HINT = "leave the optimiser alone"

patched(
    "hw3.update",
    (
        "self.update_target_critic()",
        "self.update_target_critic()\n        self.critic_optimizer.state.clear()",
    ),
)
