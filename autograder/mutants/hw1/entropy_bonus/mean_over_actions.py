"""Averages over the actions."""

from autograder.mutants import patched

HINT = "average over the actions too"

patched("hw1.entropy_bonus", (".sum(dim=1).mean()", ".mean()"))
