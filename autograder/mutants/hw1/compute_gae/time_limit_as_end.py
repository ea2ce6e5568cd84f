"""Treats a time limit as an end, as a merged done flag does."""

from autograder.mutants import patched

HINT = "treated as an end"

patched("hw1.compute_gae", ("* ~terminated", "* ~(terminated | truncated)"))
