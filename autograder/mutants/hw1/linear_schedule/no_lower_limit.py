"""Runs on below 0."""

from autograder.mutants import patched

HINT = "Below progress 0"

patched("hw1.linear_schedule", ("min(max(progress, 0.0), 1.0)", "min(progress, 1.0)"))
