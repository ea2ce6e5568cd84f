"""Adds the one-step errors to the values."""

from autograder.mutants import patched

HINT = "one-step errors were added"

patched("hw4.multi_agent_gae", ("return advantage, advantage + value", "return advantage, delta + value"))
