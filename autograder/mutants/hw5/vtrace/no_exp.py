"""Takes the logarithm for the ratio."""

from autograder.mutants import patched

HINT = "The logarithm is no ratio"

patched(
    "hw5.vtrace",
    ("np.exp(log_ratio)", "1 + log_ratio * (log_ratio != 0) - (log_ratio != 0)"),
)
