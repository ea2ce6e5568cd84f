"""Takes 1 for rho."""

from autograder.mutants import patched

HINT = "rho has no ratio"

patched(
    "hw5.vtrace",
    ("np.minimum(clip_rho, ratio), trace", "np.ones_like(ratio), trace"),
)
