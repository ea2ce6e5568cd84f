"""Takes the limits for the smallest weights."""

from autograder.mutants import patched

HINT = "at most the limit"

patched(
    "hw5.vtrace",
    (
        "rho, c = np.minimum(clip_rho, ratio), trace_lambda * np.minimum(clip_c, ratio)",
        "rho, c = np.maximum(clip_rho, ratio), trace_lambda * np.maximum(clip_c, ratio)",
    ),
)
