"""Subtracts the mean and does not divide."""

from autograder.mutants import patched

HINT = "Divide by the standard deviation"

patched("hw1.normalize_advantage", ("(advantage - mean) / (std + 1e-8)", "advantage - mean"))
