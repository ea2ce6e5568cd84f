"""Masks the next values in place."""

from autograder.mutants import patched

HINT = "your own copies"

patched(
    "hw4.multi_agent_gae",
    (
        "        delta = reward + gamma * next_value * ~terminated - value",
        (
            "        next_value *= ~terminated\n"
            "        delta = reward + gamma * next_value * ~terminated - value"
        ),
    ),
)
