"""Shares copies."""

from autograder.mutants import patched

HINT = "become different in training"

patched(
    "hw4.policy_parameters",
    (
        "return nn.ModuleList([make_network()] * n_agents)",
        (
            "import copy\n"
            "\n"
            "        network = make_network()\n"
            "        return nn.ModuleList(copy.deepcopy(network) for _ in range(n_agents))"
        ),
    ),
)
