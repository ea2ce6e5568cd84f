"""Keeps the next value only where the episode ended."""

from autograder.mutants import patched

HINT = "is the done mask inverted"

patched("hw3.update_critic", ("(1.0 - done.float())", "done.float()"))
