"""Returns one-step errors as advantages."""

from autograder.mutants import patched

HINT = "An advantage carries what follows as well"

patched(
    "hw5.vtrace",
    ("advantages[t] = deltas[t] + trace_lambda * rho[t] * carried", "advantages[t] = deltas[t]"),
)
