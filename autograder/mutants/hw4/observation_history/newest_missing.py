"""Leaves out the observation itself."""

from autograder.mutants import patched

HINT = "The newest observation is missing"

patched("hw4.observation_history", ("range(length)]", "range(1, length + 1)]"))
