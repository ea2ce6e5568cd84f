"""Compares the flags with `is True`, which a flag of numpy never is."""

from autograder.mutants import patched

HINT = "rollout_done"

patched(
    "hw3.sample_trajectory",
    (
        "rollout_done = terminated or truncated or",
        "rollout_done = terminated is True or truncated is True or",
    ),
)
