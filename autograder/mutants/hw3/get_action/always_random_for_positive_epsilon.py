"""Compares epsilon with 0 instead of with a random number."""

from autograder.mutants import patched

HINT = "You always explore"

patched("hw3.get_action", ("np.random.random() < epsilon", "epsilon > 0"))
