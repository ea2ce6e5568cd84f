"""Leaves out critic_coef."""

from autograder.mutants import patched

HINT = "critic_coef is missing"

patched("hw4.mappo_loss", ("critic_coef * 0.5", "0.5"))
