"""Subtracts the stretch of one component only."""

from autograder.mutants import patched

HINT = "The stretch counts for every component"

patched(
    "hw2.tanh_normal_log_prob",
    (
        "return (normal - log_tanh_slope(u) - half_width.log()).sum(dim=-1)",
        "return (normal - log_tanh_slope(u)).sum(dim=-1) - half_width.expand(u.shape)[..., 0].log()",
    ),
)
