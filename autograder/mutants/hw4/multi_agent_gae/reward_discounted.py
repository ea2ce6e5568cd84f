"""Discounts the reward too."""

from autograder.mutants import patched

HINT = "discounted too"

patched(
    "hw4.multi_agent_gae",
    (
        "delta = reward + gamma * next_value * ~terminated - value",
        "delta = gamma * (reward + next_value * ~terminated) - value",
    ),
)
