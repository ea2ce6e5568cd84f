"""Resets and goes on with the old episode's last observation."""

from autograder.mutants import patched

HINT = "After an episode's end"

patched(
    "hw3.run_training_loop",
    (
        "            observation = run.reset()\n        else:\n            observation = next_observation",
        "            run.reset()\n        observation = next_observation",
    ),
)
