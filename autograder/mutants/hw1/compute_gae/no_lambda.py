"""Forgets lambda in the trace."""

from autograder.mutants import patched

HINT = "lambda is ignored"

patched("hw1.compute_gae", ("gamma * gae_lambda *", "gamma *"))
