"""Forgets lambda in the trace."""

from autograder.mutants import patched

HINT = "lambda"

patched("hw4.multi_agent_gae", ("gamma * lmbda * following", "gamma * following"))
