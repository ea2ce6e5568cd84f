"""Asks evaluate for the log-probability, as the learner would."""

from autograder.mutants import patched

HINT = "One answer holds all"

patched(
    "hw5.behaviour_log_prob",
    (
        "taken = np.take_along_axis(log_probs, actions[:, None], axis=1)[:, 0]",
        "with torch.no_grad():\n        taken = policy.evaluate(torch.from_numpy(observations), torch.from_numpy(actions))[0].numpy()",
    ),
)
