"""Clips after the optimiser has already stepped."""

from autograder.mutants import patched

HINT = "not clipped"

patched(
    "hw3.update_critic",
    ("    self.critic_optimizer.step()\n", ""),
    ("    grad_norm = ptu", "    self.critic_optimizer.step()\n    grad_norm = ptu"),
)
