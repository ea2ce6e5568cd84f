"""Runs on above 1."""

from autograder.mutants import patched

HINT = "Above progress 1"

patched("hw1.linear_schedule", ("min(max(progress, 0.0), 1.0)", "max(progress, 0.0)"))
