"""Bootstraps after a termination."""

from autograder.mutants import patched

HINT = "value after a termination is 0"

patched("hw1.compute_gae", (" * ~terminated", ""))
