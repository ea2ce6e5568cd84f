"""Adds the mean value of the agents."""

from autograder.mutants import patched

HINT = "values are averaged"

patched(
    "hw4.multi_agent_gae",
    ("return advantage, advantage + value", "return advantage, advantage + value.mean(dim=2, keepdim=True)"),
)
