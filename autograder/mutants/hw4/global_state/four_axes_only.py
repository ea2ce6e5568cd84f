"""Counts the axes from the front."""

from autograder.mutants import patched

HINT = "IndexError"

patched(
    "hw4.global_state",
    (
        "observation.flatten(-2)",
        "torch.cat([observation[:, :, i] for i in range(observation.shape[2])], dim=-1)",
    ),
)
