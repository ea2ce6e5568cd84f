"""Ignores share: always a network for each."""

from autograder.mutants import patched

HINT = "networks of their own"

patched("hw4.policy_parameters", ("if share:", "if False:"))
