"""Lets the trace run on over terminations."""

from autograder.mutants import patched

HINT = "runs on into the next episode"

patched("hw1.compute_gae", ("same_episode = ~(terminated | truncated)", "same_episode = ~truncated"))
