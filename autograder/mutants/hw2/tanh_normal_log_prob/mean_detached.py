"""Cuts the gradient of the mean."""

from autograder.mutants import patched

HINT = "through mean and std"

patched("hw2.tanh_normal_log_prob", ("Normal(mean, std,", "Normal(mean.detach(), std,"))
