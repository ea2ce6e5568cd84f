"""Adds a small number to the standard deviation."""

from autograder.mutants import patched

HINT = "is added to the standard deviation"

patched(
    "hw1.tanh_normal_log_prob",
    ("log_std.exp()", "log_std.exp() + 1e-8"),
)
