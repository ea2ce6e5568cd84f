"""Acts with the default epsilon 0.02."""

from autograder.mutants import patched

HINT = "epsilon is not passed on"

patched("hw3.run_training_loop", (", epsilon=epsilon)", ")"))
