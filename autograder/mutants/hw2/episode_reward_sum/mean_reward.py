"""Returns the mean reward of a step."""

from autograder.mutants import patched

HINT = "mean reward of a step"

patched(
    "hw2.episode_reward_sum",
    (
        'return float(total / episodes) if episodes else float("nan")',
        'return float(reward.mean()) if episodes else float("nan")',
    ),
)
