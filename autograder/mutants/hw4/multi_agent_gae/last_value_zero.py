"""Takes 0 for the value after the last step."""

from autograder.mutants import patched

HINT = "After the last step"

patched(
    "hw4.multi_agent_gae",
    (
        "        delta = reward + gamma * next_value * ~terminated - value",
        (
            "        next_value = torch.cat([value[:, 1:], torch.zeros_like(value[:, :1])], dim=1)\n"
            "        delta = reward + gamma * next_value * ~terminated - value"
        ),
    ),
)
