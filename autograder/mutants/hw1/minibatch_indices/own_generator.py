"""Draws from a generator with fresh entropy, which no seed decides."""

from autograder.mutants import patched

HINT = "does not follow from the program's seed"

patched(
    "hw1.minibatch_indices",
    ("torch.randperm(num_samples)", "torch.from_numpy(np.random.default_rng().permutation(num_samples))"),
)
