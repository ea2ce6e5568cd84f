"""Copies at every step but the right ones."""

from autograder.mutants import patched

HINT = "condition is inverted"

patched("hw3.update", ("== 0", "!= 0"))
