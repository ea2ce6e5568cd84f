"""Averages the running sum over all steps."""

from autograder.mutants import patched

HINT = "about half of the right number"

patched(
    "hw2.episode_reward_sum",
    ("ended = running[done[:, t]]", "ended = running.flatten()"),
    (
        'return float(total / episodes) if episodes else float("nan")',
        'return float(total / episodes) if done.any() else float("nan")',
    ),
)
