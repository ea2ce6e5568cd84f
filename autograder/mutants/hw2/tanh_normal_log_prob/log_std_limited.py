"""Limits the logarithm of std, as many policies do."""

from autograder.mutants import patched

HINT = "Use mean and std as they are"

patched("hw2.tanh_normal_log_prob", ("Normal(mean, std,", "Normal(mean, std.log().clamp(-5.0, 3.0).exp(),"))
