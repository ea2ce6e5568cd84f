"""Sees agent 0 only."""

from autograder.mutants import patched

HINT = "Only agent 0"

patched("hw4.global_state", ("observation.flatten(-2)", "observation[..., 0, :]"))
