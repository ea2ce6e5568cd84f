"""Halves the squared error."""

from autograder.mutants import patched

HINT = "Half of the squared error"

patched("hw1.value_loss", ("F.mse_loss(value, returns)", "0.5 * F.mse_loss(value, returns)"))
