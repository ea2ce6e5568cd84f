"""Keeps all log-probabilities."""

from autograder.mutants import patched

HINT = "A row of each game is kept"

patched(
    "hw5.behaviour_log_prob",
    ("taken = np.take_along_axis(log_probs, actions[:, None], axis=1)[:, 0]", "taken = log_probs"),
)
