"""Counts the axes from the front."""

from autograder.mutants import patched

HINT = "IndexError"

patched(
    "hw4.centralized_value",
    (
        "return value.unsqueeze(-2).expand(*observation.shape[:-1], 1)",
        "return value[:, :, None].expand(-1, -1, observation.shape[2], -1)",
    ),
)
