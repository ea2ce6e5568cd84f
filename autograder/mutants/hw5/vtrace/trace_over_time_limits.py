"""Lets the trace run over time limits."""

from autograder.mutants import patched

HINT = "a time limit cuts it too"

patched(
    "hw5.vtrace",
    ("~(terminated[t] | truncated[t])", "~terminated[t]"),
)
