"""Resets with the same seed every time."""

from autograder.mutants import patched

HINT = "Reset with the same seed"

patched("hw3.sample_trajectory", ("env.reset()", "env.reset(seed=1)"))
