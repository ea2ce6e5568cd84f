"""Adds the values with their gradients."""

from autograder.mutants import patched

HINT = "A gradient flows"

patched(
    "hw4.multi_agent_gae",
    (
        "        return advantage, advantage + value",
        "        with torch.enable_grad():\n            return advantage, advantage + value",
    ),
)
