"""Cuts the gradient of the policy."""

from autograder.mutants import patched

HINT = "No gradient arrives"

patched("hw4.mappo_loss", ("(log_prob - old_log_prob).exp()", "(log_prob.detach() - old_log_prob).exp()"))
