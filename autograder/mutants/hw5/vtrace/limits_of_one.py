"""Clips at 1, whatever the limits are."""

from autograder.mutants import patched

HINT = "rho is clipped at 1"

patched(
    "hw5.vtrace",
    (
        "rho, c = np.minimum(clip_rho, ratio), trace_lambda * np.minimum(clip_c, ratio)",
        "rho, c = np.minimum(1.0, ratio), trace_lambda * np.minimum(1.0, ratio)",
    ),
)
