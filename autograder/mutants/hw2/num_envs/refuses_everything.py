"""Refuses also what fits."""

from autograder.mutants import patched

HINT = "nothing to refuse"

patched("hw2.num_envs", ("if rest or episodes < 1:", "if True:"))
