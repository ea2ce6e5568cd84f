"""Sums over the second axis, which is the components' in a flat batch."""

from autograder.mutants import patched

HINT = "stand on the last axis"

patched(
    "hw2.tanh_normal_log_prob",
    (
        "return (normal - log_tanh_slope(u) - half_width.log()).sum(dim=-1)",
        "return (normal - log_tanh_slope(u) - half_width.log()).sum(dim=1)",
    ),
)
