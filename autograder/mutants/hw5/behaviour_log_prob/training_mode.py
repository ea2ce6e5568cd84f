"""Leaves the policy in its training mode."""

from autograder.mutants import patched

HINT = "Compute in your own copies"

patched(
    "hw5.behaviour_log_prob",
    ("with torch.no_grad():", "policy.train()\n    with torch.no_grad():"),
)
