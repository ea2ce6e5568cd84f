"""Stores no end where the time limit comes at the same step."""

from autograder.mutants import patched

HINT = "does not change that"

patched(
    "hw3.sample_trajectory",
    ("terminals.append(terminated)", "terminals.append(terminated and not truncated)"),
)
