"""Stores done = terminated or truncated."""

from autograder.mutants import patched

HINT = "not terminated or truncated"

patched("hw3.run_training_loop", ("done=terminated", "done=terminated or truncated"))
