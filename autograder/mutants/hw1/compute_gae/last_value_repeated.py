"""Bootstraps the last step from its own value."""

from autograder.mutants import patched

HINT = "not its own value"

patched(
    "hw1.compute_gae",
    ("gamma * next_values * ~", "gamma * np.concatenate([next_values[:-1], values[-1:]]) * ~"),
)
