"""Returns the advantages as returns."""

from autograder.mutants import patched

HINT = "add the values"

patched("hw1.compute_gae", ("returns = advantages + values", "returns = advantages"))
