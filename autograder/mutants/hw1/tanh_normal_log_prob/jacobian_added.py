"""Adds the change of variables."""

from autograder.mutants import patched

HINT = "wrong sign"

patched("hw1.tanh_normal_log_prob", ("normal_log_prob - log", "normal_log_prob + log"))
