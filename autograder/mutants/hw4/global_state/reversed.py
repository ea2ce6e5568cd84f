"""Puts the last agent first."""

from autograder.mutants import patched

HINT = "reverse order"

patched("hw4.global_state", ("observation.flatten(-2)", "observation.flip(-2).flatten(-2)"))
