"""Begins anew one step late."""

from autograder.mutants import patched

HINT = "one step late"

patched(
    "hw2.episode_reward_sum",
    (
        "        running = running * ~done[:, t]\n",
        "        running = running * ~done[:, t - 1] if t else running\n",
    ),
)
