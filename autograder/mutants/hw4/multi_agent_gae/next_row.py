"""Bootstraps from the next row, whatever episode it is of."""

from autograder.mutants import patched

HINT = "from the next row"

patched(
    "hw4.multi_agent_gae",
    (
        "        delta = reward + gamma * next_value * ~terminated - value",
        (
            "        next_value = torch.cat([value[:, 1:], next_value[:, -1:]], dim=1)\n"
            "        delta = reward + gamma * next_value * ~terminated - value"
        ),
    ),
)
