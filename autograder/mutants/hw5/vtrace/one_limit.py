"""Clips both at clip_rho."""

from autograder.mutants import patched

HINT = "c is clipped at clip_rho"

patched(
    "hw5.vtrace",
    (
        "rho, c = np.minimum(clip_rho, ratio), trace_lambda * np.minimum(clip_c, ratio)",
        "rho = np.minimum(clip_rho, ratio)\n    c = trace_lambda * rho",
    ),
)
