"""Adds the slope of tanh."""

from autograder.mutants import patched

HINT = "slope of tanh has the wrong sign"

patched("hw2.tanh_normal_log_prob", ("- log_tanh_slope(u)", "+ log_tanh_slope(u)"))
