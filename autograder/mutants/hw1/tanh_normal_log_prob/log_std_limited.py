"""Keeps log_std above -20, as some libraries do."""

from autograder.mutants import patched

HINT = "log_std is limited"

patched(
    "hw1.tanh_normal_log_prob",
    ("log_std.exp()", "log_std.clamp(min=-20).exp()"),
)
