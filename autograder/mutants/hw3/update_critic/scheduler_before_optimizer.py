"""Advances the schedule before the optimiser's step."""

from autograder.mutants import patched

HINT = "step the optimiser first"

patched(
    "hw3.update_critic",
    ("    self.lr_scheduler.step()\n", ""),
    ("    self.critic_optimizer.step()", "    self.lr_scheduler.step()\n    self.critic_optimizer.step()"),
)
