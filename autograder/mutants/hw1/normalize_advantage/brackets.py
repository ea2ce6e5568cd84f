"""Divides the mean alone."""

from autograder.mutants import patched

HINT = "Brackets"

patched("hw1.normalize_advantage", ("(advantage - mean) / (std + 1e-8)", "advantage - mean / (std + 1e-8)"))
