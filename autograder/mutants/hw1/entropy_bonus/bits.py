"""Uses the logarithm to base 2."""

from autograder.mutants import patched

HINT = "in bits"

patched("hw1.entropy_bonus", ("* log_probs)", "* log_probs / 0.6931471805599453)"))
