"""Forgets gamma in the trace."""

from autograder.mutants import patched

HINT = "gamma is missing in the trace"

patched("hw4.multi_agent_gae", ("gamma * lmbda * following", "lmbda * following"))
