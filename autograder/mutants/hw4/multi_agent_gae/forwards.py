"""Runs from the first step to the last."""

from autograder.mutants import patched

HINT = "runs forwards"

patched("hw4.multi_agent_gae", ("in reversed(range(delta.shape[1])):", "in range(delta.shape[1]):"))
