"""Takes the action whose Q-value is largest in absolute value."""

from autograder.mutants import patched

HINT = "absolute values"

patched("hw3.get_action", (".argmax()", ".abs().argmax()"))
