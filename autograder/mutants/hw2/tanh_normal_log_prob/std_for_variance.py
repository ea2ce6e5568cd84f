"""Takes std for the variance."""

from autograder.mutants import patched

HINT = "as the variance"

patched("hw2.tanh_normal_log_prob", ("Normal(mean, std,", "Normal(mean, std.sqrt(),"))
