"""Adds the next values."""

from autograder.mutants import patched

HINT = "next values are added"

patched("hw1.compute_gae", ("advantages + values", "advantages + next_values"))
