"""Returns one value for each sample."""

from autograder.mutants import patched

HINT = "one value for each sample"

patched("hw1.value_loss", ("F.mse_loss(value, returns)", "(value - returns) ** 2"))
