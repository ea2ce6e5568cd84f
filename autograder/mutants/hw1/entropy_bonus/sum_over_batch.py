"""Sums over the batch too."""

from autograder.mutants import patched

HINT = "sum over the batch"

patched("hw1.entropy_bonus", (".sum(dim=1).mean()", ".sum()"))
