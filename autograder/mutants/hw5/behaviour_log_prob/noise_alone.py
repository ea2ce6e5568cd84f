"""Lets the noise alone decide."""

from autograder.mutants import patched

HINT = "The noise alone decides"

patched(
    "hw5.behaviour_log_prob",
    (
        "actions = (log_probs if noise is None else log_probs + noise).argmax(axis=1)",
        "actions = (log_probs if noise is None else noise).argmax(axis=1)",
    ),
)
