"""Repeats along the last axis."""

from autograder.mutants import patched

HINT = "The last axis of one is missing"

patched(
    "hw4.centralized_value",
    (
        "return value.unsqueeze(-2).expand(*observation.shape[:-1], 1)",
        "return value.expand(*observation.shape[:-1])",
    ),
)
