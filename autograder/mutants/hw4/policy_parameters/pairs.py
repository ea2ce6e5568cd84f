"""Lets two agents at a time share."""

from autograder.mutants import patched

HINT = "Some agents share a network"

patched(
    "hw4.policy_parameters",
    (
        "return nn.ModuleList(make_network() for _ in range(n_agents))",
        (
            "half = [make_network() for _ in range((n_agents + 1) // 2)]\n"
            "    return nn.ModuleList((half + half)[:n_agents])"
        ),
    ),
)
