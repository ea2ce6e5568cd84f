"""Lets the gradient into the returns."""

from autograder.mutants import patched

HINT = "flow into the returns"

patched("hw1.value_loss", ("returns = returns.detach()", "pass"))
