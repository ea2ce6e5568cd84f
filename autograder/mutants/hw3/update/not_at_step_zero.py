"""Copies nothing at step 0."""

from autograder.mutants import patched

HINT = "Nothing is copied at step 0"

patched("hw3.update", ("if step %", "if step and step %"))
