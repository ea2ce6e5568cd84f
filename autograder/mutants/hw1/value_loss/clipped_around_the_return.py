"""Clips the distance from the return."""

from autograder.mutants import patched

HINT = "value - old_value"

patched("hw1.value_loss", ("old_value + (value - old_value).clamp", "returns + (value - returns).clamp"))
