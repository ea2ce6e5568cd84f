"""Takes the last value for the one after it."""

from autograder.mutants import patched

HINT = "not its own value"

patched(
    "hw4.multi_agent_gae",
    (
        "        delta = reward + gamma * next_value * ~terminated - value",
        (
            "        next_value = torch.cat([value[:, 1:], value[:, -1:]], dim=1)\n"
            "        delta = reward + gamma * next_value * ~terminated - value"
        ),
    ),
)
