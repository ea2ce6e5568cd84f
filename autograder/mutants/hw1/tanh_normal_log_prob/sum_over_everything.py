"""Sums over everything."""

from autograder.mutants import patched

HINT = "sum runs over the batch too"

patched("hw1.tanh_normal_log_prob", (".sum(dim=1)", ".sum()"))
