"""Squeezes every axis of length 1."""

from autograder.mutants import patched

HINT = "Broadcasting made ratios"

patched("hw4.mappo_loss", (".squeeze(-1)", ".squeeze()"))
