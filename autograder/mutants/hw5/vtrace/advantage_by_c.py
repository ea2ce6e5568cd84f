"""Weighs by c what an advantage carries."""

from autograder.mutants import patched

HINT = "not by c"

patched(
    "hw5.vtrace",
    ("trace_lambda * rho[t] * carried", "c[t] * carried"),
)
