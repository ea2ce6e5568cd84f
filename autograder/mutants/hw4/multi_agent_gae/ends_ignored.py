"""Knows no ends."""

from autograder.mutants import patched

HINT = "terminations are ignored"

patched(
    "hw4.multi_agent_gae",
    ("next_value * ~terminated", "next_value"),
    (" * ~done[:, t]", ""),
)
