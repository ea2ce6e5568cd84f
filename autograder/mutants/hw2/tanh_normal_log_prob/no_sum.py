"""Returns a value for each component."""

from autograder.mutants import patched

HINT = "One value for each component"

patched(
    "hw2.tanh_normal_log_prob",
    (
        "return (normal - log_tanh_slope(u) - half_width.log()).sum(dim=-1)",
        "return (normal - log_tanh_slope(u) - half_width.log())",
    ),
)
