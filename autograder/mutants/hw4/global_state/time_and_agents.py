"""Joins the wrong two axes."""

from autograder.mutants import patched

HINT = "Time and agents are joined"

patched("hw4.global_state", ("observation.flatten(-2)", "observation.flatten(-3, -2)"))
