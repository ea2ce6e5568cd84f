"""Sums log p without the weights p."""

from autograder.mutants import patched

HINT = "weights p are missing"

patched("hw1.entropy_bonus", ("(log_probs.exp() * log_probs)", "log_probs"))
