"""Normalises log-probabilities with the noise in them."""

from autograder.mutants import patched

HINT = "The noise is in what is kept, normalised"

patched(
    "hw5.behaviour_log_prob",
    (
        "taken = np.take_along_axis(log_probs, actions[:, None], axis=1)[:, 0]",
        "scores = log_probs if noise is None else log_probs + noise\n    scores = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))\n    taken = np.take_along_axis(scores, actions[:, None], axis=1)[:, 0]",
    ),
)
