"""Ignores the noise."""

from autograder.mutants import patched

HINT = "The noise is ignored"

patched(
    "hw5.behaviour_log_prob",
    (
        "actions = (log_probs if noise is None else log_probs + noise).argmax(axis=1)",
        "actions = log_probs.argmax(axis=1)",
    ),
)
