"""Learns towards the old value."""

from autograder.mutants import patched

HINT = "not the old value"

patched("hw1.value_loss", ("F.mse_loss(value, returns)", "F.mse_loss(value, old_value)"))
