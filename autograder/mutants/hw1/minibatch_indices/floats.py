"""Returns floats."""

from autograder.mutants import patched

HINT = "One row for each minibatch"

patched("hw1.minibatch_indices", ("torch.randperm(num_samples)", "torch.randperm(num_samples).float()"))
