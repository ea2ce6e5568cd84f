"""Divides probabilities, and adds a small number to each."""

from autograder.mutants import patched

HINT = "nothing is added"

patched(
    "hw1.policy_loss",
    ("(log_prob - old_log_prob).exp()", "(log_prob.exp() + 1e-8) / (old_log_prob.exp() + 1e-8)"),
)
