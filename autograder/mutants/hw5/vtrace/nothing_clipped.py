"""Clips nothing."""

from autograder.mutants import patched

HINT = "rho is not clipped"

patched(
    "hw5.vtrace",
    (
        "rho, c = np.minimum(clip_rho, ratio), trace_lambda * np.minimum(clip_c, ratio)",
        "rho, c = ratio, trace_lambda * ratio",
    ),
)
