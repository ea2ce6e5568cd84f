"""Multiplies by lambda before clipping."""

from autograder.mutants import patched

HINT = "Lambda multiplies c after it is clipped"

patched(
    "hw5.vtrace",
    ("trace_lambda * np.minimum(clip_c, ratio)", "np.minimum(clip_c, trace_lambda * ratio)"),
)
