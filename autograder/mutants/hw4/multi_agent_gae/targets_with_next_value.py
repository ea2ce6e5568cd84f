"""Adds the next value."""

from autograder.mutants import patched

HINT = "The next values are added"

patched(
    "hw4.multi_agent_gae",
    ("return advantage, advantage + value", "return advantage, advantage + next_value"),
)
