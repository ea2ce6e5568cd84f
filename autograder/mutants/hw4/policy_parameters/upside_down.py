"""Does the opposite of what share says."""

from autograder.mutants import patched

HINT = "networks of their own"

patched("hw4.policy_parameters", ("if share:", "if not share:"))
