"""Asks the policy for the values by themselves."""

from autograder.mutants import patched

HINT = "One answer holds all"

patched(
    "hw5.behaviour_log_prob",
    (
        "return actions, taken, values.numpy()",
        "with torch.no_grad():\n        values = policy.value(torch.from_numpy(observations))\n    return actions, taken, values.numpy()",
    ),
)
