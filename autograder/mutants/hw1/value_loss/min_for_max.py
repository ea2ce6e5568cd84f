"""Takes the smaller error."""

from autograder.mutants import patched

HINT = "smaller of the two errors"

patched("hw1.value_loss", ("torch.max(", "torch.min("))
