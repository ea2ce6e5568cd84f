"""Adds the entropy to the loss."""

from autograder.mutants import patched

HINT = "wrong sign"

patched("hw1.update", ("- ent_coef * entropy", "+ ent_coef * entropy"))
