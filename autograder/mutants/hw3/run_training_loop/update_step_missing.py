"""Gives the number of updates instead of the step."""

from autograder.mutants import patched

HINT = "pass the training step"

patched("hw3.run_training_loop", ("step=step,", 'step=step - config["learning_starts"],'))
