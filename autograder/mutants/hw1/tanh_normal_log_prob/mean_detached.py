"""Cuts the gradient of the mean."""

from autograder.mutants import patched

HINT = "No gradient arrives at mean"

patched("hw1.tanh_normal_log_prob", ("Normal(mean,", "Normal(mean.detach(),"))
