"""Returns the entropy as its loss."""

from autograder.mutants import patched

HINT = "The sign is wrong"

patched("hw1.update", ("-entropy.item()", "entropy.item()"))
