"""Normalises the advantages at once."""

from autograder.mutants import patched

HINT = "normalised already"

patched(
    "hw4.multi_agent_gae",
    (
        "        return advantage, advantage + value",
        (
            "        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)\n"
            "        return advantage, advantage + value"
        ),
    ),
)
