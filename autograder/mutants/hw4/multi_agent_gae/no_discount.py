"""Forgets gamma in the one-step error."""

from autograder.mutants import patched

HINT = "gamma is missing"

patched("hw4.multi_agent_gae", ("reward + gamma * next_value", "reward + next_value"))
