"""Minimises what should grow."""

from autograder.mutants import patched

HINT = "The sign"

patched("hw1.policy_loss", ("return -torch", "return torch"))
