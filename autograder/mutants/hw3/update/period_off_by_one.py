"""Copies one step early."""

from autograder.mutants import patched

HINT = "One step early"

patched("hw3.update", ("if step %", "if (step + 1) %"))
