"""Seeds each network, and puts the random stream back."""

from autograder.mutants import patched

HINT = "You set a seed inside"

patched(
    "hw4.policy_parameters",
    (
        "    return nn.ModuleList(make_network() for _ in range(n_agents))",
        "    made = []\n    for i in range(n_agents):\n        with torch.random.fork_rng(devices=[]):\n            torch.manual_seed(i)\n            made.append(make_network())\n    return nn.ModuleList(made)",
    ),
)
