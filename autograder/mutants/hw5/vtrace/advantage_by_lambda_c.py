"""Weighs by lambda * c what an advantage carries."""

from autograder.mutants import patched

HINT = "Lambda counts twice"

patched(
    "hw5.vtrace",
    ("trace_lambda * rho[t] * carried", "trace_lambda * c[t] * carried"),
)
