"""Looks at the first episode of each environment only."""

from autograder.mutants import patched

HINT = "Only the first episode"

patched(
    "hw2.episode_reward_sum",
    (
        "    running = torch.zeros_like(reward[:, 0])",
        "    done = done & (done.cumsum(1) == 1)\n    running = torch.zeros_like(reward[:, 0])",
    ),
)
