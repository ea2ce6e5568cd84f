"""Limits the log-probabilities from below."""

from autograder.mutants import patched

HINT = "however low"

patched(
    "hw5.behaviour_log_prob",
    ("axis=1)[:, 0]", "axis=1)[:, 0].clip(-20, None)"),
)
