"""Squeezes axes of length 1 away."""

from autograder.mutants import patched

HINT = "One entry for every step"

patched(
    "hw3.sample_trajectory",
    ("np.array(rewards, dtype=np.float32)", "np.array(rewards, dtype=np.float32).squeeze()"),
)
