"""Keeps the largest log-probability."""

from autograder.mutants import patched

HINT = "These belong to the likeliest actions"

patched(
    "hw5.behaviour_log_prob",
    (
        "taken = np.take_along_axis(log_probs, actions[:, None], axis=1)[:, 0]",
        "taken = log_probs.max(axis=1)",
    ),
)
