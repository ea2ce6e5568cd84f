"""Divides by the number of environments."""

from autograder.mutants import patched

HINT = "added up"

patched(
    "hw2.episode_reward_sum",
    (
        'return float(total / episodes) if episodes else float("nan")',
        'return float(total / len(reward)) if episodes else float("nan")',
    ),
)
