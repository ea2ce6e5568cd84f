"""Keeps the trace only over ends."""

from autograder.mutants import patched

HINT = "inverted mask of the ends"

patched(
    "hw1.compute_gae", ("same_episode = ~(terminated | truncated)", "same_episode = terminated | truncated")
)
