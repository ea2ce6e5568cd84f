"""Counts one environment too many."""

from autograder.mutants import patched

HINT = "One too many"

patched("hw2.num_envs", ("return episodes\n", "return episodes + 1\n"))
