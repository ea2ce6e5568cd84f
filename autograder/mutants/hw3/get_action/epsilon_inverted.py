"""Explores when the random number is above epsilon."""

from autograder.mutants import patched

HINT = "test of epsilon inverted"

patched("hw3.get_action", ("< epsilon", "> epsilon"))
