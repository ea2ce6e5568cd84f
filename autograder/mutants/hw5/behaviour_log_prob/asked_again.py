"""Computes the log-probability anew after the choice."""

from autograder.mutants import patched

HINT = "One answer holds all"

patched(
    "hw5.behaviour_log_prob",
    (
        "taken = np.take_along_axis(log_probs, actions[:, None], axis=1)[:, 0]",
        "with torch.no_grad():\n        log_probs = policy(torch.from_numpy(observations))[0].numpy()\n    taken = np.take_along_axis(log_probs, actions[:, None], axis=1)[:, 0]",
    ),
)
