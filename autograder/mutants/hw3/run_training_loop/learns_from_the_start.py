"""Ignores learning_starts."""

from autograder.mutants import patched

HINT = "learning_starts is ignored"

patched("hw3.run_training_loop", ('if step >= config["learning_starts"]', "if step >= 0"))
