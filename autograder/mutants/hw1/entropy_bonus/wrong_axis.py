"""Sums over the batch and averages over the actions."""

from autograder.mutants import patched

HINT = "sum runs over the batch"

patched("hw1.entropy_bonus", ("dim=1", "dim=0"))
