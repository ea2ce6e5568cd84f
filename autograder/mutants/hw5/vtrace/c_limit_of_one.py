"""Clips c at 1."""

from autograder.mutants import patched

HINT = "c is clipped at 1"

patched(
    "hw5.vtrace",
    ("np.minimum(clip_c, ratio)", "np.minimum(1.0, ratio)"),
)
