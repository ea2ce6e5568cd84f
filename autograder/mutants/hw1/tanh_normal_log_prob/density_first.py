"""Takes the product of the densities, and the logarithm last."""

from autograder.mutants import patched

HINT = "Stay in logarithms"

patched(
    "hw1.tanh_normal_log_prob",
    (
        "return (normal_log_prob - log_tanh_slope(pre_tanh)).sum(dim=1)",
        "return normal_log_prob.exp().prod(dim=1).log() - log_tanh_slope(pre_tanh).sum(dim=1)",
    ),
)
