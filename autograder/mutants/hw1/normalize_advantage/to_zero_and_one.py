"""Scales to 0 to 1."""

from autograder.mutants import patched

HINT = "scales to 0 to 1"

patched(
    "hw1.normalize_advantage",
    (
        "(advantage - mean) / (std + 1e-8)",
        "(advantage - advantage.min()) / (advantage.max() - advantage.min())",
    ),
)
