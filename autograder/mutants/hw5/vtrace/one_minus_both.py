"""Subtracts both flags from 1."""

from autograder.mutants import patched

HINT = "1 - terminated - truncated is -1"

patched(
    "hw5.vtrace",
    ("~(terminated[t] | truncated[t])", "(1.0 - terminated[t] - truncated[t])"),
)
