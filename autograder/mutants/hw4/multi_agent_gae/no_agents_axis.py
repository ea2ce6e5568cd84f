"""Averages over the agents in the end."""

from autograder.mutants import patched

HINT = "Every agent has its own"

patched(
    "hw4.multi_agent_gae",
    (
        "        return advantage, advantage + value",
        "        advantage = advantage.mean(dim=2)\n        return advantage, advantage + value.mean(dim=2)",
    ),
)
