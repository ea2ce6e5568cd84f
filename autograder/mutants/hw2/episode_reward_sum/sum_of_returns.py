"""Forgets to divide."""

from autograder.mutants import patched

HINT = "divide by the number of ended episodes"

patched(
    "hw2.episode_reward_sum",
    (
        'return float(total / episodes) if episodes else float("nan")',
        'return float(total) if episodes else float("nan")',
    ),
)
