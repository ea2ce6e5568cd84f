"""Begins to learn one step late."""

from autograder.mutants import patched

HINT = "One step late"

patched("hw3.run_training_loop", ("if step >= config", "if step > config"))
