"""Keeps the next value only after a termination."""

from autograder.mutants import patched

HINT = "mask inverted"

patched("hw1.compute_gae", ("* ~terminated", "* terminated"))
