"""Adds the end instead of the difference."""

from autograder.mutants import patched

HINT = "overshoots"

patched("hw1.linear_schedule", ("(end - start)", "end"))
