"""Cuts the trace where exactly one flag is set."""

from autograder.mutants import patched

HINT = "the trace runs on"

patched(
    "hw5.vtrace",
    ("(terminated[t] | truncated[t])", "(terminated[t] ^ truncated[t])"),
)
