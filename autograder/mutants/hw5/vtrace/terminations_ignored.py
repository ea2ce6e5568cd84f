"""Ignores terminations."""

from autograder.mutants import patched

HINT = "The terminations are ignored"

patched(
    "hw5.vtrace",
    ("next_values * ~terminated", "next_values"),
    ("~(terminated[t] | truncated[t])", "~truncated[t]"),
)
