"""Does not let the standard deviation fall below 0.1."""

from autograder.mutants import patched

HINT = "Use mean and std as they are"

patched("hw2.tanh_normal_log_prob", ("Normal(mean, std,", "Normal(mean, std.clamp(min=0.1),"))
