"""Ignores length."""

from autograder.mutants import patched

HINT = "history of two: use length"

patched("hw4.observation_history", ("range(length)]", "range(2)]"))
