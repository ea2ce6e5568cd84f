"""Computes the ratio in float32."""

from autograder.mutants import patched

HINT = "stay in the precision"

patched(
    "hw5.vtrace",
    ("np.exp(log_ratio)", "np.exp(log_ratio.astype(np.float32)).astype(log_ratio.dtype)"),
)
