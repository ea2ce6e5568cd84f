"""Asserts instead of raising ValueError."""

from autograder.mutants import patched

HINT = "Another kind of error"

patched("hw2.num_envs", ("raise ValueError(", "raise AssertionError("))
