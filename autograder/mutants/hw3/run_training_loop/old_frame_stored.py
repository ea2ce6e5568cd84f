"""Stores the oldest frame of the stack."""

from autograder.mutants import patched

HINT = "newest frame"

patched("hw3.run_training_loop", ("next_observation[-1]", "next_observation[0]"))
