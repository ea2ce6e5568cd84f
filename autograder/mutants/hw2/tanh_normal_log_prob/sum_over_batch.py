"""Sums over the first axis."""

from autograder.mutants import patched

HINT = "another axis"

patched(
    "hw2.tanh_normal_log_prob",
    (
        "return (normal - log_tanh_slope(u) - half_width.log()).sum(dim=-1)",
        "return (normal - log_tanh_slope(u) - half_width.log()).sum(dim=0)",
    ),
)
