"""Takes the action with the smallest Q-value."""

from autograder.mutants import patched

HINT = "argmax, not argmin"

patched("hw3.get_action", (".argmax()", ".argmin()"))
