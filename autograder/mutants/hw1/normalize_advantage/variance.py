"""Divides by the variance."""

from autograder.mutants import patched

HINT = "divide by the variance"

patched("hw1.normalize_advantage", ("(std + 1e-8)", "(std**2 + 1e-8)"))
