"""Divides by a standard deviation of 0."""

from autograder.mutants import patched

HINT = "Add 1e-8"

patched("hw1.normalize_advantage", ("(std + 1e-8)", "std"))
