"""Gives one entry where the network is shared."""

from autograder.mutants import patched

HINT = "An entry for every agent"

patched(
    "hw4.policy_parameters",
    ("return nn.ModuleList([make_network()] * n_agents)", "return nn.ModuleList([make_network()])"),
)
