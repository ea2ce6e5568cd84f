"""Clips the rewards to -10..10."""

from autograder.mutants import patched

HINT = "as it is"

patched(
    "hw3.update",
    ("action, reward, next_obs, done)\n    if", "action, reward.clamp(-10, 10), next_obs, done)\n    if"),
)
