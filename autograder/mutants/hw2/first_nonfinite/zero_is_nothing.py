"""Takes step 0 for nothing found."""

from autograder.mutants import patched

HINT = "that 0 is a step"

patched("hw2.first_nonfinite", ("int(broken.nonzero()[0])", "int(broken.nonzero()[0]) or 1000"))
