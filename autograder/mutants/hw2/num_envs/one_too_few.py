"""Counts one environment too few."""

from autograder.mutants import patched

HINT = "One too few"

patched("hw2.num_envs", ("return episodes\n", "return episodes - 1\n"))
