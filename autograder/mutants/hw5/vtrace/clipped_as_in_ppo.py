"""Clips on both sides, as PPO does."""

from autograder.mutants import patched

HINT = "That is PPO's clipping"

patched(
    "hw5.vtrace",
    ("ratio = np.exp(log_ratio)", "ratio = np.exp(log_ratio).clip(0.8, 1.2)"),
)
