"""Keeps the noise in the log-probability."""

from autograder.mutants import patched

HINT = "The noise is in what is kept"

patched(
    "hw5.behaviour_log_prob",
    (
        "taken = np.take_along_axis(log_probs, actions[:, None], axis=1)[:, 0]",
        "scores = log_probs if noise is None else log_probs + noise\n    taken = np.take_along_axis(scores, actions[:, None], axis=1)[:, 0]",
    ),
)
