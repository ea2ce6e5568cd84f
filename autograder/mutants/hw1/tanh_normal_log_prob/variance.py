"""Takes exp(log_std) for the variance."""

from autograder.mutants import patched

HINT = "as the variance"

patched("hw1.tanh_normal_log_prob", ("log_std.exp()", "log_std.exp().sqrt()"))
