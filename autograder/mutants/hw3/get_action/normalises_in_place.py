"""Scales the observation in place before it is stored."""

from autograder.mutants import patched

HINT = "changed in place"

patched("hw3.get_action", ("    if np.random.random()", "    observation /= 1.5\n    if np.random.random()"))
