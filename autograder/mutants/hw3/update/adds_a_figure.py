"""Adds an entry to the figures."""

from autograder.mutants import patched

HINT = "no others"

patched("hw3.update", ("return critic_stats", 'return {**critic_stats, "step": step}'))
