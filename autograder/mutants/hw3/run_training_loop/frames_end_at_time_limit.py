"""Stores a time limit as an end, with frames only."""

from autograder.mutants import patched

HINT = "with frames as with vectors"

patched(
    "hw3.run_training_loop",
    ("next_observation[-1], terminated)", "next_observation[-1], terminated or truncated)"),
)
