"""Bootstraps the last step whatever its flag."""

from autograder.mutants import patched

HINT = "may also terminate"

patched(
    "hw4.multi_agent_gae",
    (
        "        delta = reward + gamma * next_value * ~terminated - value",
        (
            "        terminated = torch.cat([terminated[:, :-1], "
            "torch.zeros_like(terminated[:, :1])], dim=1)\n"
            "        delta = reward + gamma * next_value * ~terminated - value"
        ),
    ),
)
