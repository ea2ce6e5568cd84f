"""Returns the KL of the last minibatch."""

from autograder.mutants import patched

HINT = "last minibatch's"

patched("hw1.update", ("log_ratio = torch.cat(log_ratios)", "log_ratio = log_ratios[-1]"))
