"""Mixes up the two flags."""

from autograder.mutants import patched

HINT = "yours does the opposite"

patched(
    "hw4.multi_agent_gae",
    ("~terminated", "~done"),
    ("~done[:, t]", "~terminated[:, t]"),
)
