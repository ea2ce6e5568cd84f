"""Takes the absolute error."""

from autograder.mutants import patched

HINT = "absolute error"

patched("hw1.value_loss", ("F.mse_loss(value, returns)", "F.l1_loss(value, returns)"))
