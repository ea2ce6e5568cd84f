"""Leaves out entropy_eps."""

from autograder.mutants import patched

HINT = "entropy_eps is missing"

patched("hw4.mappo_loss", ("-entropy_eps * entropy", "-entropy"))
