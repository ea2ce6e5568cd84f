"""Stores no end where the time limit comes at the same step."""

from autograder.mutants import patched

HINT = "does not change that"

patched("hw3.run_training_loop", ("done=terminated", "done=terminated and not truncated"))
