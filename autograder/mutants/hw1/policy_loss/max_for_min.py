"""Takes the larger objective."""

from autograder.mutants import patched

HINT = "larger of the two"

patched("hw1.policy_loss", ("torch.min(", "torch.max("))
