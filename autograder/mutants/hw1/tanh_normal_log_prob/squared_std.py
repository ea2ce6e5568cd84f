"""Squares the standard deviation."""

from autograder.mutants import patched

HINT = "square of the standard deviation"

patched("hw1.tanh_normal_log_prob", ("log_std.exp()", "log_std.exp() ** 2"))
