"""Takes both flags for a time limit."""

from autograder.mutants import patched

HINT = "Where both flags are set, the step terminated"

patched(
    "hw5.vtrace",
    ("next_values * ~terminated", "next_values * ~(terminated & ~truncated)"),
)
