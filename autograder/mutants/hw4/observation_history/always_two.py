"""Ignores length."""

from autograder.mutants import patched

HINT = "whatever length says"

patched("hw4.observation_history", ("range(length)]", "range(2)]"))
