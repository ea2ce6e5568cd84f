"""Forgets gamma in the trace."""

from autograder.mutants import patched

HINT = "gamma is missing in the trace"

patched("hw1.compute_gae", ("gamma * gae_lambda *", "gae_lambda *"))
