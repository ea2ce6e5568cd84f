"""Ignores max_length."""

from autograder.mutants import patched

HINT = "max_length is ignored"

patched("hw3.sample_trajectory", (" or steps >= max_length", ""))
