"""Stores rollout_done as terminal."""

from autograder.mutants import patched

HINT = "store terminated alone"

patched(
    "hw3.sample_trajectory",
    ("terminals.append(terminated)", "terminals.append(terminated or truncated or steps >= max_length)"),
)
