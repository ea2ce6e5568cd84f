"""Adds up the agents' rewards."""

from autograder.mutants import patched

HINT = "rewards are mixed"

patched(
    "hw4.multi_agent_gae",
    (
        "        delta = reward + gamma * next_value * ~terminated - value",
        (
            "        reward = reward.sum(dim=2, keepdim=True).expand_as(reward)\n"
            "        delta = reward + gamma * next_value * ~terminated - value"
        ),
    ),
)
