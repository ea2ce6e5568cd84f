"""Divides probabilities, which may be too small for float32."""

from autograder.mutants import patched

HINT = "do not divide them"

patched(
    "hw4.mappo_loss",
    ("(log_prob - old_log_prob).exp()", "log_prob.exp() / old_log_prob.exp()"),
)
