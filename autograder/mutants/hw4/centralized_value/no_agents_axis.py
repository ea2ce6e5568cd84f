"""Gives one value for the team."""

from autograder.mutants import patched

HINT = "give it to each agent"

patched(
    "hw4.centralized_value",
    ("return value.unsqueeze(-2).expand(*observation.shape[:-1], 1)", "return value"),
)
