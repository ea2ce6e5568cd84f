"""Accepts a batch without frames."""

from autograder.mutants import patched

HINT = "No environment at all"

patched("hw2.num_envs", ("if rest or episodes < 1:", "if rest:"))
