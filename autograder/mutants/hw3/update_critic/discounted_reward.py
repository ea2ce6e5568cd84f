"""Discounts the reward as well."""

from autograder.mutants import patched

HINT = "reward is discounted too"

patched(
    "hw3.update_critic",
    (
        "reward + self.discount * (1.0 - done.float()) * next_value",
        "self.discount * (reward + (1.0 - done.float()) * next_value)",
    ),
)
