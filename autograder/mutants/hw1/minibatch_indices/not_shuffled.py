"""Keeps the order of the rollout."""

from autograder.mutants import patched

HINT = "same at every call"

patched("hw1.minibatch_indices", ("torch.randperm(num_samples)", "torch.arange(num_samples)"))
