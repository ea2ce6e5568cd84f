"""Uses one trace for all games."""

from autograder.mutants import patched

HINT = "delta = r + gamma"

patched(
    "hw5.vtrace",
    ("excess = deltas[t] + c[t] * carried", "excess = (deltas[t] + c[t] * carried).mean() + 0 * deltas[t]"),
)
