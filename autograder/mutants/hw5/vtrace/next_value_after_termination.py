"""Keeps the value after a termination."""

from autograder.mutants import patched

HINT = "The value after a termination is 0"

patched(
    "hw5.vtrace",
    ("next_values * ~terminated", "next_values"),
)
