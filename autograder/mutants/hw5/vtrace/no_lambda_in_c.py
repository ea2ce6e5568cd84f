"""Leaves lambda out of c."""

from autograder.mutants import patched

HINT = "Lambda is missing in c"

patched(
    "hw5.vtrace",
    ("trace_lambda * np.minimum(clip_c, ratio)", "np.minimum(clip_c, ratio)"),
)
