"""Begins anew before the last reward is noted."""

from autograder.mutants import patched

HINT = "rewards of the last steps"

patched(
    "hw2.episode_reward_sum",
    (
        "        running = running + reward[:, t]",
        "        running = running + reward[:, t]\n        early = done[:, min(t + 1, reward.shape[1] - 1)]",
    ),
    ("        running = running * ~done[:, t]\n", "        running = running * ~early\n"),
)
