"""Takes a time limit for a termination."""

from autograder.mutants import patched

HINT = "A time limit is treated as an end"

patched(
    "hw5.vtrace",
    ("next_values * ~terminated", "next_values * ~(terminated | truncated)"),
)
