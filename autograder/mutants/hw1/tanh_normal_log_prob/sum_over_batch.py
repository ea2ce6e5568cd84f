"""Sums over the batch."""

from autograder.mutants import patched

HINT = "sum runs over the batch"

patched("hw1.tanh_normal_log_prob", ("dim=1", "dim=0"))
