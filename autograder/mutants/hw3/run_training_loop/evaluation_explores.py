"""Evaluates with the epsilon of the training."""

from autograder.mutants import patched

HINT = "does not explore"

patched(
    "hw3.run_training_loop",
    (
        "            run.evaluate(step)",
        "            run.eval_epsilon = epsilon\n            run.evaluate(step)",
    ),
)
