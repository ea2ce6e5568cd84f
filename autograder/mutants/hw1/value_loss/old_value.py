"""Measures the error of the old value."""

from autograder.mutants import patched

HINT = "old value's error"

patched("hw1.value_loss", ("F.mse_loss(value, returns)", "F.mse_loss(old_value, returns) + 0 * value.sum()"))
