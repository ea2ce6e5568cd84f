"""Squares std."""

from autograder.mutants import patched

HINT = "std is squared"

patched("hw2.tanh_normal_log_prob", ("Normal(mean, std,", "Normal(mean, std**2,"))
