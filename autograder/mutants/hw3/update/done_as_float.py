"""Turns done into numbers."""

from autograder.mutants import patched

HINT = "dtypes included"

patched("hw3.update", ("next_obs, done)\n    if", "next_obs, done.float())\n    if"))
