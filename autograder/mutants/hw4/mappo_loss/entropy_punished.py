"""Punishes entropy."""

from autograder.mutants import patched

HINT = "entropy is to grow"

patched("hw4.mappo_loss", ("-entropy_eps * entropy", "entropy_eps * entropy"))
