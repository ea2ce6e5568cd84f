"""Ignores share: always one network."""

from autograder.mutants import patched

HINT = "though share is False"

patched("hw4.policy_parameters", ("if share:", "if True:"))
