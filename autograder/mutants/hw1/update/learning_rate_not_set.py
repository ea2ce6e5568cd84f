"""Computes the learning rate and does not set it."""

from autograder.mutants import patched

HINT = "set_learning_rate"

patched("hw1.update", ("    self.set_learning_rate(learning_rate)\n", ""))
