"""Limits the advantages to +-10."""

from autograder.mutants import patched

HINT = "advantage may have any size"

patched(
    "hw1.policy_loss",
    ("advantage.detach()", "advantage.detach().clamp(-10, 10)"),
)
