"""Repeats one network n times."""

from autograder.mutants import patched

HINT = "repeats one and the same"

patched(
    "hw4.policy_parameters",
    (
        "return nn.ModuleList(make_network() for _ in range(n_agents))",
        "return nn.ModuleList([make_network()] * n_agents)",
    ),
)
