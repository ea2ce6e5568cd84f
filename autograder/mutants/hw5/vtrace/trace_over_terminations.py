"""Lets the trace run over terminations."""

from autograder.mutants import patched

HINT = "The trace runs on"

patched(
    "hw5.vtrace",
    ("~(terminated[t] | truncated[t])", "~truncated[t]"),
)
