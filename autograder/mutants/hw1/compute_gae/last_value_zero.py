"""Ends the rollout as if every episode ended there."""

from autograder.mutants import patched

HINT = "not 0"

patched(
    "hw1.compute_gae",
    (
        "gamma * next_values * ~",
        ("gamma * np.where(np.arange(len(rewards))[:, None] < len(rewards) - 1, next_values, 0.0) * ~"),
    ),
)
