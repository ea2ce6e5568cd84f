"""Adds the mean."""

from autograder.mutants import patched

HINT = "do not add it"

patched("hw1.normalize_advantage", ("advantage - mean", "advantage + mean"))
