"""Leaves the exp out of the ratio."""

from autograder.mutants import patched

HINT = "missing its exp"

patched("hw4.mappo_loss", ("ratio = (log_prob - old_log_prob).exp()", "ratio = log_prob - old_log_prob"))
