"""Returns the entropy as its loss."""

from autograder.mutants import patched

HINT = "sign is turned around"

patched("hw1.update", ("-entropy.item()", "entropy.item()"))
