"""Draws with replacement."""

from autograder.mutants import patched

HINT = "are in no minibatch, others in several"

patched(
    "hw1.minibatch_indices", ("torch.randperm(num_samples)", "torch.randint(num_samples, (num_samples,))")
)
