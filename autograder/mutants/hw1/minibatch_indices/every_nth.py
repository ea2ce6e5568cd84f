"""Takes every n-th sample."""

from autograder.mutants import patched

HINT = "same at every call"

patched(
    "hw1.minibatch_indices",
    (
        "torch.randperm(num_samples).reshape(-1, batch_size)",
        "torch.arange(num_samples).reshape(batch_size, -1).T.contiguous()",
    ),
)
