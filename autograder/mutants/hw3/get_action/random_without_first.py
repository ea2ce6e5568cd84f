"""Draws actions from 1 on."""

from autograder.mutants import patched

HINT = "numbered from 0"

patched("hw3.get_action", ("randint(self", "randint(1, self"))
