"""Adds up the agents."""

from autograder.mutants import patched

HINT = "summed up or averaged"

patched("hw4.global_state", ("observation.flatten(-2)", "observation.sum(dim=-2)"))
