"""Stores no end at the last step allowed."""

from autograder.mutants import patched

HINT = "at this very step"

patched(
    "hw3.sample_trajectory",
    ("terminals.append(terminated)", "terminals.append(terminated and steps < max_length)"),
)
