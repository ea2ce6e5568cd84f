"""Squeezes every axis of length 1."""

from autograder.mutants import patched

HINT = "Keep every axis"

patched(
    "hw2.episode_reward_sum",
    (
        "    running = torch.zeros_like(reward[:, 0])",
        "    reward, done = reward.squeeze(), done.squeeze()\n    running = torch.zeros_like(reward[:, 0])",
    ),
)
