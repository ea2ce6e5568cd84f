"""Looks at the flags of the step after."""

from autograder.mutants import patched

HINT = "One step early"

patched(
    "hw4.multi_agent_gae",
    (
        "        delta = reward + gamma * next_value * ~terminated - value",
        (
            "        terminated = torch.cat([terminated[:, 1:], torch.zeros_like(terminated[:, "
            ":1])], dim=1)\n"
            "        done = torch.cat([done[:, 1:], torch.zeros_like(done[:, :1])], dim=1)\n"
            "        delta = reward + gamma * next_value * ~terminated - value"
        ),
    ),
)
