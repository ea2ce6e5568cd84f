"""Takes the larger objective."""

from autograder.mutants import patched

HINT = "larger of the two"

patched("hw4.mappo_loss", ("-torch.min", "-torch.max"))
