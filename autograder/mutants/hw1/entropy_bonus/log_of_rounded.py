"""Takes the logarithm of probabilities that have rounded to 0."""

from autograder.mutants import patched

HINT = "log(0)"

patched("hw1.entropy_bonus", ("(log_probs.exp() * log_probs)", "(log_probs.exp() * log_probs.exp().log())"))
