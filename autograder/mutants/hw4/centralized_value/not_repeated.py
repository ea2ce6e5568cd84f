"""Makes the agents' axis, with one entry."""

from autograder.mutants import patched

HINT = "one agent's entry"

patched(
    "hw4.centralized_value",
    ("return value.unsqueeze(-2).expand(*observation.shape[:-1], 1)", "return value.unsqueeze(-2)"),
)
