"""Returns the step as a tensor."""

from autograder.mutants import patched

HINT = "int(...)"

patched("hw2.first_nonfinite", ("int(broken.nonzero()[0])", "broken.nonzero()[0]"))
