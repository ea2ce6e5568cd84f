"""Lets separate networks begin as copies."""

from autograder.mutants import patched

HINT = "begin as copies"

patched(
    "hw4.policy_parameters",
    (
        "return nn.ModuleList(make_network() for _ in range(n_agents))",
        (
            "import copy\n"
            "\n"
            "    network = make_network()\n"
            "    return nn.ModuleList(copy.deepcopy(network) for _ in range(n_agents))"
        ),
    ),
)
