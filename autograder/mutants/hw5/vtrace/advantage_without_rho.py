"""Weighs by lambda alone what an advantage carries."""

from autograder.mutants import patched

HINT = "weighed by rho as well"

patched(
    "hw5.vtrace",
    ("trace_lambda * rho[t] * carried", "trace_lambda * carried"),
)
