"""Adds up the agents."""

from autograder.mutants import patched

HINT = "sum or average over the agents"

patched("hw4.global_state", ("observation.flatten(-2)", "observation.sum(dim=-2)"))
