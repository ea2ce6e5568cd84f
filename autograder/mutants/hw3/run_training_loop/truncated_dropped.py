"""Drops truncated steps, as the original homework did."""

from autograder.mutants import patched

HINT = "Truncated steps are dropped"

patched(
    "hw3.run_training_loop",
    (
        "            replay_buffer.insert(action, reward, next_observation[-1], terminated)\n        else:",
        "            if not truncated:\n"
        "                replay_buffer.insert(action, reward, next_observation[-1], terminated)\n"
        "        elif not truncated:",
    ),
)
