"""Stops at the one-step errors."""

from autograder.mutants import patched

HINT = "Only the one-step errors"

patched(
    "hw1.compute_gae",
    ("following = deltas[t] + gamma * gae_lambda * following * same_episode[t]", "following = deltas[t]"),
)
