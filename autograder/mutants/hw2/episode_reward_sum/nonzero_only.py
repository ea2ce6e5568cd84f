"""Leaves out episodes whose return is 0."""

from autograder.mutants import patched

HINT = "return 0 is missing"

patched(
    "hw2.episode_reward_sum", ("ended = running[done[:, t]]", "ended = running[done[:, t] & (running != 0)]")
)
