"""Adds the log-probabilities to the noise that was given."""

from autograder.mutants import patched

HINT = "Compute in your own copies"

patched(
    "hw5.behaviour_log_prob",
    (
        "actions = (log_probs if noise is None else log_probs + noise).argmax(axis=1)",
        "if noise is not None:\n        noise += log_probs\n    actions = (log_probs if noise is None else noise).argmax(axis=1)",
    ),
)
