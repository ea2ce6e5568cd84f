"""Counts steps from 1."""

from autograder.mutants import patched

HINT = "counted from 0"

patched("hw2.first_nonfinite", ("int(broken.nonzero()[0])", "int(broken.nonzero()[0]) + 1"))
