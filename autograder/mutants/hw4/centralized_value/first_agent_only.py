"""Gives the value to agent 0, and 0 to the others."""

from autograder.mutants import patched

HINT = "Only agent 0 gets the value"

patched(
    "hw4.centralized_value",
    (
        "return value.unsqueeze(-2).expand(*observation.shape[:-1], 1)",
        "first = torch.arange(observation.shape[-2])[:, None] == 0\n    return value.unsqueeze(-2) * first",
    ),
)
