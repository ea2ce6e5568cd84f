"""Leaves lambda out of the advantages, as the paper does."""

from autograder.mutants import patched

HINT = "Lambda is missing in the advantages"

patched(
    "hw5.vtrace",
    ("deltas[t] + trace_lambda * rho[t] * carried", "deltas[t] + rho[t] * carried"),
)
