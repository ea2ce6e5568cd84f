"""Counts the change of variables for the first component alone."""

from autograder.mutants import patched

HINT = "counts for every component"

patched(
    "hw1.tanh_normal_log_prob",
    (
        "(normal_log_prob - log_tanh_slope(pre_tanh)).sum(dim=1)",
        "normal_log_prob.sum(dim=1) - log_tanh_slope(pre_tanh)[:, 0]",
    ),
)
