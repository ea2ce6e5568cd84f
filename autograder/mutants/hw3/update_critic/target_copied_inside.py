"""Copies the critic into the target network after every step."""

from autograder.mutants import patched

HINT = "leave the target network alone"

patched(
    "hw3.update_critic",
    ("    self.lr_scheduler.step()", "    self.lr_scheduler.step()\n    self.update_target_critic()"),
)
