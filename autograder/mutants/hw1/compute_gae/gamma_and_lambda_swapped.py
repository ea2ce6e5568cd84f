"""Swaps gamma and lambda."""

from autograder.mutants import patched

HINT = "gamma and lambda swapped"

patched("hw1.compute_gae", ("gamma * next_values", "gae_lambda * next_values"))
