"""Keeps the trace only over ends."""

from autograder.mutants import patched

HINT = "mask of the ends that is inverted"

patched(
    "hw1.compute_gae", ("same_episode = ~(terminated | truncated)", "same_episode = terminated | truncated")
)
