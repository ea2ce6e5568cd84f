"""Puts the oldest observation first."""

from autograder.mutants import patched

HINT = "oldest first"

patched("hw4.observation_history", ("for age in range(length)]", "for age in reversed(range(length))]"))
