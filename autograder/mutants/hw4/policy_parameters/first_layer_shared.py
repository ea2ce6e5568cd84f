"""Shares the first layer where nothing is to be shared."""

from autograder.mutants import patched

HINT = "share a part of their weights"

patched(
    "hw4.policy_parameters",
    (
        "return nn.ModuleList(make_network() for _ in range(n_agents))",
        (
            "networks = nn.ModuleList(make_network() for _ in range(n_agents))\n"
            "    for network in networks[1:2]:\n"
            "        network[0] = networks[0][0]\n"
            "    return networks"
        ),
    ),
)
