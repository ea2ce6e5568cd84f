"""Adds up the agents' returns."""

from autograder.mutants import patched

HINT = "added up"

patched(
    "hw2.episode_reward_sum",
    (
        'return float(total / episodes) if episodes else float("nan")',
        'return float(total / episodes * reward.shape[2]) if episodes else float("nan")',
    ),
)
