"""Rounds the Q-values to bfloat16."""

from autograder.mutants import patched

HINT = "rounded ones are equal"

patched("hw3.get_action", (".argmax()", ".bfloat16().argmax()"))
