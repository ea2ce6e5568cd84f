"""Keeps probabilities."""

from autograder.mutants import patched

HINT = "These are probabilities"

patched(
    "hw5.behaviour_log_prob",
    (
        "taken = np.take_along_axis(log_probs, actions[:, None], axis=1)[:, 0]",
        "taken = np.take_along_axis(np.exp(log_probs), actions[:, None], axis=1)[:, 0]",
    ),
)
