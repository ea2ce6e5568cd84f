"""Divides the old probability by the new one."""

from autograder.mutants import patched

HINT = "upside down"

patched("hw4.mappo_loss", ("(log_prob - old_log_prob)", "(old_log_prob - log_prob)"))
