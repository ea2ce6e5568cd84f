"""Evaluates in the training environment."""

from autograder.mutants import patched

HINT = "not in the training environment"

patched(
    "hw3.run_training_loop",
    ("            run.evaluate(step)", "            run.eval_env = env\n            run.evaluate(step)"),
)
