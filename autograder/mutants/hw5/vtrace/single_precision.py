"""Computes in float32."""

from autograder.mutants import patched

HINT = "As the arguments have it"

patched(
    "hw5.vtrace",
    (
        "ratio = np.exp(log_ratio)",
        "ratio = np.exp(log_ratio)\n    rewards, values, next_values, ratio = (a.astype(np.float32) for a in (rewards, values, next_values, ratio))",
    ),
)
