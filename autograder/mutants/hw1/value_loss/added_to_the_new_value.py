"""Adds the clipped step to the new value."""

from autograder.mutants import patched

HINT = "not to value"

patched("hw1.value_loss", ("old_value + (value", "value + (value"))
