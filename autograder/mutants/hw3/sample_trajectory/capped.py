"""Ends after 200 steps, as CartPole-v0 did."""

from autograder.mutants import patched

HINT = "end a rollout"

patched(
    "hw3.sample_trajectory",
    ("steps >= max_length", "steps >= min(max_length, 200)"),
)
