"""Looks at agent 0 only."""

from autograder.mutants import patched

HINT = "Only agent 0"

patched(
    "hw2.episode_reward_sum",
    (
        "    running = torch.zeros_like(reward[:, 0])",
        "    reward, done = reward[:, :, :1], done[:, :, :1]\n    running = torch.zeros_like(reward[:, 0])",
    ),
)
