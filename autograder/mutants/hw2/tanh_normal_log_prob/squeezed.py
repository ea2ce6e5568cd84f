"""Squeezes the result."""

from autograder.mutants import patched

HINT = "The components stand on the last axis"

patched("hw2.tanh_normal_log_prob", (".sum(dim=-1)", ".sum(dim=-1).squeeze()"))
