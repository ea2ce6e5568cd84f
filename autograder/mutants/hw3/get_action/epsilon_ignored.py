"""Explores in 2 % of the calls, whatever epsilon is given."""

from autograder.mutants import patched

HINT = "use the parameter"

patched("hw3.get_action", ("< epsilon", "< (0.02 if 0 < epsilon < 1 else epsilon)"))
