"""Divides without subtracting the mean."""

from autograder.mutants import patched

HINT = "Subtract the mean first"

patched("hw1.normalize_advantage", ("(advantage - mean) / (std + 1e-8)", "advantage / (std + 1e-8)"))
