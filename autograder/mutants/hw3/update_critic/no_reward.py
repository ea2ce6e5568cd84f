"""Leaves the reward out."""

from autograder.mutants import patched

HINT = "The reward is missing"

patched("hw3.update_critic", ("reward + self", "self"))
