"""Shuffles within minibatches of neighbours."""

from autograder.mutants import patched

HINT = "share a minibatch far more often"

patched(
    "hw1.minibatch_indices",
    (
        "torch.randperm(num_samples).reshape(-1, batch_size)",
        (
            "torch.stack([row[torch.randperm(batch_size)] for row in "
            "torch.arange(num_samples).reshape(-1, batch_size)])"
        ),
    ),
)
