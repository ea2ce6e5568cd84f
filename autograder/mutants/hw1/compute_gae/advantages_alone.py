"""Forgets to return the returns."""

from autograder.mutants import patched

HINT = "return advantages, returns"

patched("hw1.compute_gae", ("return advantages, returns", "return advantages"))
