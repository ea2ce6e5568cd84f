"""Bootstraps after a termination."""

from autograder.mutants import patched

HINT = "The value after a termination is 0"

patched("hw4.multi_agent_gae", ("next_value * ~terminated", "next_value"))
