"""Resets with the same seed at every episode."""

from autograder.mutants import patched

HINT = "Reset with the same seed"

patched(
    "hw3.run_training_loop",
    (
        "            observation = run.reset()\n        else",
        "            env.reset = lambda reset=env.reset: reset(seed=args.seed)\n            observation = run.reset()\n            del env.reset\n        else",
    ),
)
