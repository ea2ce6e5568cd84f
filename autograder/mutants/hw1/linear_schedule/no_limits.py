"""Runs on outside of 0 to 1."""

from autograder.mutants import patched

HINT = "goes on outside"

patched("hw1.linear_schedule", ("min(max(progress, 0.0), 1.0)", "progress"))
