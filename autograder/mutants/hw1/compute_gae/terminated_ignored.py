"""Knows no terminations."""

from autograder.mutants import patched

HINT = "terminations are ignored"

patched(
    "hw1.compute_gae",
    (" * ~terminated", ""),
    ("same_episode = ~(terminated | truncated)", "same_episode = ~truncated"),
)
