"""Halves the squared error."""

from autograder.mutants import patched

HINT = "Half of the squared error"

patched("hw3.update_critic", ("loss = self", "loss = 0.5 * self"))
