"""Changes the log-probabilities by adding the noise in place."""

from autograder.mutants import patched

HINT = "The noise is in what is kept"

patched(
    "hw5.behaviour_log_prob",
    (
        "actions = (log_probs if noise is None else log_probs + noise).argmax(axis=1)",
        "if noise is not None:\n        log_probs += noise\n    actions = log_probs.argmax(axis=1)",
    ),
)
