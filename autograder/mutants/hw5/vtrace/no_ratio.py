"""Ignores the ratio."""

from autograder.mutants import patched

HINT = "rho has no ratio"

patched(
    "hw5.vtrace",
    ("np.exp(log_ratio)", "np.ones_like(log_ratio)"),
)
