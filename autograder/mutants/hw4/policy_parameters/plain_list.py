"""Returns a plain list."""

from autograder.mutants import patched

HINT = "does not look into a plain list"

patched(
    "hw4.policy_parameters",
    ("return nn.ModuleList([make_network()] * n_agents)", "return [make_network()] * n_agents"),
    (
        "return nn.ModuleList(make_network() for _ in range(n_agents))",
        "return [make_network() for _ in range(n_agents)]",
    ),
)
