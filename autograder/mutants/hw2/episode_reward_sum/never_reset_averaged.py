"""Averages a running sum that never begins anew."""

from autograder.mutants import patched

HINT = "averaged over all steps"

patched(
    "hw2.episode_reward_sum",
    ("ended = running[done[:, t]]", "ended = running.flatten()"),
    ("        running = running * ~done[:, t]\n", ""),
    (
        'return float(total / episodes) if episodes else float("nan")',
        'return float(total / episodes) if done.any() else float("nan")',
    ),
)
