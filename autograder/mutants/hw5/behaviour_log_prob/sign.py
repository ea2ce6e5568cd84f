"""Keeps the negated log-probability, as a loss has it."""

from autograder.mutants import patched

HINT = "The sign is turned"

patched(
    "hw5.behaviour_log_prob",
    (
        "taken = np.take_along_axis(log_probs, actions[:, None], axis=1)[:, 0]",
        "taken = np.take_along_axis(-log_probs, actions[:, None], axis=1)[:, 0]",
    ),
)
