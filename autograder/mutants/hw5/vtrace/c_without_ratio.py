"""Takes lambda alone for c."""

from autograder.mutants import patched

HINT = "c has no ratio"

patched(
    "hw5.vtrace",
    ("trace_lambda * np.minimum(clip_c, ratio)", "trace_lambda * np.ones_like(ratio)"),
)
