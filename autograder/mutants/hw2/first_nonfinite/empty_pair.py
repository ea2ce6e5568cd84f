"""Returns a pair also where everything is finite."""

from autograder.mutants import patched

HINT = "All numbers are finite"

patched("hw2.first_nonfinite", ("default=None)", "default=(None, 0))"))
