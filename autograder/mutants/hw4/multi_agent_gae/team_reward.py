"""Averages the rewards over the agents."""

from autograder.mutants import patched

HINT = "rewards are mixed"

patched(
    "hw4.multi_agent_gae",
    (
        "        delta = reward + gamma * next_value * ~terminated - value",
        (
            "        reward = reward.mean(dim=2, keepdim=True)\n"
            "        delta = reward + gamma * next_value * ~terminated - value"
        ),
    ),
)
