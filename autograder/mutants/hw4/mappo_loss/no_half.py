"""Leaves out the factor 1/2."""

from autograder.mutants import patched

HINT = "The factor 1/2"

patched("hw4.mappo_loss", ("critic_coef * 0.5", "critic_coef"))
