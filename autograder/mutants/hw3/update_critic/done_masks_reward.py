"""Drops the last reward together with the next value."""

from autograder.mutants import patched

HINT = "removes the reward too"

patched(
    "hw3.update_critic",
    (
        "reward + self.discount * (1.0 - done.float()) * next_value",
        "(1.0 - done.float()) * (reward + self.discount * next_value)",
    ),
)
