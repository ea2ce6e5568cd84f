"""Tells the step before."""

from autograder.mutants import patched

HINT = "the last step where all is finite"

patched("hw2.first_nonfinite", ("int(broken.nonzero()[0])", "int(broken.nonzero()[0]) - 1"))
