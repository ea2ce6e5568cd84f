"""Leaves the value loss out."""

from autograder.mutants import patched

HINT = "value loss is missing"

patched("hw1.update", (" + self.vf_coef * critic_loss", ""))
