"""Punishes entropy."""

from autograder.mutants import patched

HINT = "the entropy must grow"

patched("hw4.mappo_loss", ("-entropy_eps * entropy", "entropy_eps * entropy"))
