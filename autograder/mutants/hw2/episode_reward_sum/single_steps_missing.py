"""Leaves out episodes of a single step."""

from autograder.mutants import patched

HINT = "Episodes of a single step"

patched(
    "hw2.episode_reward_sum",
    ("ended = running[done[:, t]]", "ended = running[done[:, t] & (done[:, t - 1] == 0 if t else False)]"),
)
