"""Cuts the gradient."""

from autograder.mutants import patched

HINT = "No gradient arrives"

patched(
    "hw1.entropy_bonus",
    ("return -(log_probs", "return -(log_probs.detach()"),
    ("* log_probs)", "* log_probs.detach())"),
)
