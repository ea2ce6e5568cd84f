"""Cuts the gradient."""

from autograder.mutants import patched

HINT = "No gradient arrives"

patched("hw1.policy_loss", ("(log_prob - old", "(log_prob.detach() - old"))
