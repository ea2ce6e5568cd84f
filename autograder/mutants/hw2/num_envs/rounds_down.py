"""Rounds down in silence."""

from autograder.mutants import patched

HINT = "no whole number"

patched("hw2.num_envs", ("if rest or episodes < 1:", "if episodes < 1:"))
