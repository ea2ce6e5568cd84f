"""Returns the plain normal log-density of each component."""

from autograder.mutants import patched

HINT = "change of variables is missing"

patched(
    "hw1.tanh_normal_log_prob", ("(normal_log_prob - log_tanh_slope(pre_tanh)).sum(dim=1)", "normal_log_prob")
)
