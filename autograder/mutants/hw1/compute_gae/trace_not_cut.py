"""Lets the trace run on over every end."""

from autograder.mutants import patched

HINT = "runs on into the next episode"

patched("hw1.compute_gae", ("same_episode = ~(terminated | truncated)", "same_episode = terminated | True"))
