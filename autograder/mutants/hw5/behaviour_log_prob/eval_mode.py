"""Leaves the policy in its evaluation mode."""

from autograder.mutants import patched

HINT = "Compute in your own copies"

patched(
    "hw5.behaviour_log_prob",
    ("with torch.no_grad():", "policy.eval()\n    with torch.no_grad():"),
)
