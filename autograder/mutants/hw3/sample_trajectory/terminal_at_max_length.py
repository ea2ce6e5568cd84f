"""Stores reaching max_length as terminal."""

from autograder.mutants import patched

HINT = "not rollout_done"

patched(
    "hw3.sample_trajectory",
    ("terminals.append(terminated)", "terminals.append(terminated or steps >= max_length)"),
)
