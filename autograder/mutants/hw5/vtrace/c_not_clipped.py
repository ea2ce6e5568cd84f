"""Does not clip c."""

from autograder.mutants import patched

HINT = "c is not clipped"

patched(
    "hw5.vtrace",
    (
        "rho, c = np.minimum(clip_rho, ratio), trace_lambda * np.minimum(clip_c, ratio)",
        "rho, c = np.minimum(clip_rho, ratio), trace_lambda * ratio",
    ),
)
