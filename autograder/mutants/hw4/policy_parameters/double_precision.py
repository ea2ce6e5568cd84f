"""Turns the networks into float64."""

from autograder.mutants import patched

HINT = "as make_network gives them"

patched(
    "hw4.policy_parameters",
    (
        "nn.ModuleList(make_network() for _ in range(n_agents))",
        "nn.ModuleList(make_network() for _ in range(n_agents)).double()",
    ),
)
