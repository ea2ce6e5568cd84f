"""Limits the normalised advantages to +-10."""

from autograder.mutants import patched

HINT = "The result is limited"

patched(
    "hw1.normalize_advantage",
    ("(advantage - mean) / (std + 1e-8)", "((advantage - mean) / (std + 1e-8)).clamp(-10, 10)"),
)
