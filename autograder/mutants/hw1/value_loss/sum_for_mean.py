"""Sums over the batch."""

from autograder.mutants import patched

HINT = "sum over the batch"

patched("hw1.value_loss", ("F.mse_loss(value, returns)", "F.mse_loss(value, returns, reduction='sum')"))
