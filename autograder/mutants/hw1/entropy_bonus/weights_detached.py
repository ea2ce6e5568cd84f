"""Cuts the gradient through the weights p."""

from autograder.mutants import patched

HINT = "No gradient arrives"

patched("hw1.entropy_bonus", ("log_probs.exp()", "log_probs.detach().exp()"))
