"""Tells the step of the first environment that breaks."""

from autograder.mutants import patched

HINT = "further down"

patched("hw2.first_nonfinite", ("int(broken.nonzero()[0])", "int((~tensor.isfinite()).nonzero()[0, 1])"))
