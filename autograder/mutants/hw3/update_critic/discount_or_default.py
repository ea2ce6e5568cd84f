"""Takes a discount of 0 for none."""

from autograder.mutants import patched

HINT = "0 is a number too"

patched("hw3.update_critic", ("self.discount *", "(self.discount or 0.9) *"))
