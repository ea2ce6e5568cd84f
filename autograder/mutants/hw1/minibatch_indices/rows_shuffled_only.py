"""Shuffles the minibatches and not the samples."""

from autograder.mutants import patched

HINT = "share a minibatch far more often"

patched(
    "hw1.minibatch_indices",
    (
        ".reshape(-1, batch_size)",
        ".sort().values.reshape(-1, batch_size)[torch.randperm(num_samples // batch_size)]",
    ),
)
