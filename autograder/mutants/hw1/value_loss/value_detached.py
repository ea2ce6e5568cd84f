"""Cuts the gradient."""

from autograder.mutants import patched

HINT = "No gradient arrives"

patched(
    "hw1.value_loss",
    ("    returns = returns.detach()\n", ("    returns = returns.detach()\n    value = value.detach()\n")),
)
