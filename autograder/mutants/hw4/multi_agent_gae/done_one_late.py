"""Looks at the flags of the step before."""

from autograder.mutants import patched

HINT = "One step late"

patched(
    "hw4.multi_agent_gae",
    (
        "        delta = reward + gamma * next_value * ~terminated - value",
        (
            "        terminated = torch.cat([torch.zeros_like(terminated[:, :1]), "
            "terminated[:, :-1]], dim=1)\n"
            "        done = torch.cat([torch.zeros_like(done[:, :1]), done[:, :-1]], dim=1)\n"
            "        delta = reward + gamma * next_value * ~terminated - value"
        ),
    ),
)
