"""Resets only when the episode terminated."""

from autograder.mutants import patched

HINT = "begin a new one when terminated or truncated"

patched("hw3.run_training_loop", ("if terminated or truncated:", "if terminated:"))
