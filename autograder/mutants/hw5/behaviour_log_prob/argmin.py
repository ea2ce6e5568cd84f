"""Takes the smallest sum."""

from autograder.mutants import patched

HINT = "The smallest sum is chosen"

patched(
    "hw5.behaviour_log_prob",
    (
        "actions = (log_probs if noise is None else log_probs + noise).argmax(axis=1)",
        "actions = (log_probs if noise is None else log_probs + noise).argmin(axis=1)",
    ),
)
