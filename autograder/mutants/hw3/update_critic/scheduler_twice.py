"""Advances the learning-rate schedule twice a step."""

from autograder.mutants import patched

HINT = "advances twice"

patched(
    "hw3.update_critic",
    ("    self.lr_scheduler.step()", "    self.lr_scheduler.step()\n    self.lr_scheduler.step()"),
)
