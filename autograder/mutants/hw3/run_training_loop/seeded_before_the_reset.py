"""Resets with the same seed at every episode, and then once more without one."""

from autograder.mutants import patched

HINT = "Reset with the same seed"

patched(
    "hw3.run_training_loop",
    (
        "            observation = run.reset()\n        else",
        "            env.reset(seed=args.seed)\n            observation = run.reset()\n        else",
    ),
)
