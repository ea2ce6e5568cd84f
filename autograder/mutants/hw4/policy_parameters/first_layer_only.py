"""Shares the first layer only."""

from autograder.mutants import patched

HINT = "share a part of their weights only"

patched(
    "hw4.policy_parameters",
    (
        "return nn.ModuleList([make_network()] * n_agents)",
        (
            "networks = nn.ModuleList(make_network() for _ in range(n_agents))\n"
            "        for network in networks:\n"
            "            network[0] = networks[0][0]\n"
            "        return networks"
        ),
    ),
)
