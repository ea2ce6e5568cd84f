"""Adds up in the argument itself."""

from autograder.mutants import patched

HINT = "changed reward"

patched(
    "hw2.episode_reward_sum",
    (
        "        running = running + reward[:, t]",
        (
            "        if t:\n"
            "            reward[:, t] += reward[:, t - 1] * ~done[:, t - 1]\n"
            "        running = reward[:, t]"
        ),
    ),
)
