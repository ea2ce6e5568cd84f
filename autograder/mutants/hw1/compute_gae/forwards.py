"""Runs from the first step to the last."""

from autograder.mutants import patched

HINT = "runs forwards"

patched("hw1.compute_gae", ("reversed(range(len(rewards))):", "range(len(rewards)):"))
