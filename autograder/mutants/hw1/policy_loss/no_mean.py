"""Returns one value for each sample."""

from autograder.mutants import patched

HINT = "one value for each sample"

patched("hw1.policy_loss", ("advantage).mean()", "advantage)"))
