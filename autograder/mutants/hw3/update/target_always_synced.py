"""Copies the target network at every step."""

from autograder.mutants import patched

HINT = "copied at every step"

patched("hw3.update", ("step % self.target_update_period == 0", "True"))
