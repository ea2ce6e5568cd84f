"""Forgets the square."""

from autograder.mutants import patched

HINT = "not squared"

patched("hw1.value_loss", ("F.mse_loss(value, returns)", "(value - returns).mean()"))
