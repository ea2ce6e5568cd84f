"""Forgets to return the figures."""

from autograder.mutants import patched

HINT = "Return the dict"

patched("hw3.update", ("return critic_stats", ""))
