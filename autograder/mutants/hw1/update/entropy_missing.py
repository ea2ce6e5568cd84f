"""Leaves the entropy out."""

from autograder.mutants import patched

HINT = "entropy is missing"

patched("hw1.update", (" - ent_coef * entropy", ""))
