"""Lets the trace run on over time limits."""

from autograder.mutants import patched

HINT = "a time limit ended one too"

patched("hw1.compute_gae", ("same_episode = ~(terminated | truncated)", "same_episode = ~terminated"))
