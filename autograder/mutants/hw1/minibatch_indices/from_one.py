"""Counts from 1."""

from autograder.mutants import patched

HINT = "begin at 0"

patched("hw1.minibatch_indices", ("torch.randperm(num_samples)", "(torch.randperm(num_samples) + 1)"))
