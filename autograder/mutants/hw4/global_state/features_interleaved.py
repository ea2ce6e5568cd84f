"""Puts the same feature of all agents side by side."""

from autograder.mutants import patched

HINT = "interleaved"

patched("hw4.global_state", ("observation.flatten(-2)", "observation.transpose(-1, -2).flatten(-2)"))
