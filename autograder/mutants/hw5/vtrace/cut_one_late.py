"""Cuts the trace one row late."""

from autograder.mutants import patched

HINT = "one row late"

patched(
    "hw5.vtrace",
    (
        "~(terminated[t] | truncated[t])",
        "~(terminated[t - 1] | truncated[t - 1]) if t else excess * 0 + gamma * excess",
    ),
)
