"""Forgets the change of variables."""

from autograder.mutants import patched

HINT = "change of variables is missing"

patched("hw1.tanh_normal_log_prob", (" - log_tanh_slope(pre_tanh)", ""))
