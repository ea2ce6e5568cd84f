"""Discounts the reward as well."""

from autograder.mutants import patched

HINT = "reward is discounted too"

patched(
    "hw1.compute_gae",
    (
        "rewards + gamma * next_values * ~terminated - values",
        "gamma * (rewards + next_values * ~terminated) - values",
    ),
)
