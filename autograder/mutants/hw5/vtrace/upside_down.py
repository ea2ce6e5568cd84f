"""Turns the ratio round."""

from autograder.mutants import patched

HINT = "The ratio is upside down"

patched(
    "hw5.vtrace",
    ("np.exp(log_ratio)", "np.exp(-log_ratio)"),
)
