"""Counts what has not ended at the end of the batch."""

from autograder.mutants import patched

HINT = "have not ended are counted"

patched(
    "hw2.episode_reward_sum",
    ("ended = running[done[:, t]]", "ended = running[done[:, t] | (t == reward.shape[1] - 1)]"),
    (
        'return float(total / episodes) if episodes else float("nan")',
        'return float(total / episodes) if done.any() else float("nan")',
    ),
)
