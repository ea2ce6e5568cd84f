"""Inverts the mask of the next value."""

from autograder.mutants import patched

HINT = "The next value is missing"

patched(
    "hw5.vtrace",
    ("next_values * ~terminated", "next_values * terminated"),
)
