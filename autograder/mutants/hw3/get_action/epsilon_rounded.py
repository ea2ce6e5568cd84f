"""Rounds epsilon to one decimal."""

from autograder.mutants import patched

HINT = "Epsilon is rounded"

patched("hw3.get_action", ("< epsilon", "< round(epsilon, 1)"))
