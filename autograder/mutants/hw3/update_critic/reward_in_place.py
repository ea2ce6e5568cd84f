"""Adds the next value to the batch's rewards themselves."""

from autograder.mutants import patched

HINT = "changed reward"

patched(
    "hw3.update_critic",
    (
        "target_values = reward + self.discount * (1.0 - done.float()) * next_value",
        "target_values = reward.add_(self.discount * (1.0 - done.float()) * next_value)",
    ),
)
