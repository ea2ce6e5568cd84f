"""Inverts the mask of the trace."""

from autograder.mutants import patched

HINT = "Nothing is carried"

patched(
    "hw5.vtrace",
    ("~(terminated[t] | truncated[t])", "(terminated[t] | truncated[t])"),
)
