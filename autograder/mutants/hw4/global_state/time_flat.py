"""Flattens everything but the batch."""

from autograder.mutants import patched

HINT = "Time is flattened too"

patched("hw4.global_state", ("observation.flatten(-2)", "observation.flatten(1)"))
