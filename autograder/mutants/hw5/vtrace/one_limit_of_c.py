"""Clips both at clip_c."""

from autograder.mutants import patched

HINT = "rho is clipped at clip_c"

patched(
    "hw5.vtrace",
    (
        "rho, c = np.minimum(clip_rho, ratio), trace_lambda * np.minimum(clip_c, ratio)",
        "rho = np.minimum(clip_c, ratio)\n    c = trace_lambda * rho",
    ),
)
