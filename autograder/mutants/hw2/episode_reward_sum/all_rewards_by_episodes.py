"""Divides all rewards by the number of ends."""

from autograder.mutants import patched

HINT = "Rewards of episodes that have not ended"

patched(
    "hw2.episode_reward_sum",
    (
        'return float(total / episodes) if episodes else float("nan")',
        'return float(reward.sum() / episodes) if episodes else float("nan")',
    ),
)
