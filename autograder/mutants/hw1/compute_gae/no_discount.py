"""Does not discount the next value."""

from autograder.mutants import patched

HINT = "discount gamma is missing"

patched("hw1.compute_gae", ("gamma * next_values", "next_values"))
