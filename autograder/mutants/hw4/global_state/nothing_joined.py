"""Leaves the agents' axis."""

from autograder.mutants import patched

HINT = "Nothing is joined"

patched("hw4.global_state", ("observation.flatten(-2)", "observation"))
