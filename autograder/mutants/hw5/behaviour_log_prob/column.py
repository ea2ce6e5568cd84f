"""Keeps an axis of length 1."""

from autograder.mutants import patched

HINT = "An axis of length 1 is left over"

patched(
    "hw5.behaviour_log_prob",
    (
        "taken = np.take_along_axis(log_probs, actions[:, None], axis=1)[:, 0]",
        "taken = np.take_along_axis(log_probs, actions[:, None], axis=1)",
    ),
)
