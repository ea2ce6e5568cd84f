"""Stores done = False always."""

from autograder.mutants import patched

HINT = "store terminated"

patched("hw3.run_training_loop", ("done=terminated", "done=False"))
