"""Cuts the gradient of the mean."""

from autograder.mutants import patched

HINT = "flow through mean"

patched("hw1.tanh_normal_log_prob", ("Normal(mean,", "Normal(mean.detach(),"))
