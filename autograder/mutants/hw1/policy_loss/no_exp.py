"""Forgets the exp of the ratio."""

from autograder.mutants import patched

HINT = "missing its exp"

patched("hw1.policy_loss", ("(log_prob - old_log_prob).exp()", "log_prob - old_log_prob"))
