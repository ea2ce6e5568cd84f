"""Never evaluates."""

from autograder.mutants import patched

HINT = "Evaluate at every step"

patched("hw3.run_training_loop", ("run.evaluate(step)", "pass"))
