"""Notes the sum before it adds the reward."""

from autograder.mutants import patched

HINT = "The last reward of each episode"

patched(
    "hw2.episode_reward_sum",
    ("        running = running + reward[:, t]\n", ""),
    (
        "        running = running * ~done[:, t]\n",
        "        running = (running + reward[:, t]) * ~done[:, t]\n",
    ),
)
