"""Keeps the first learning rate."""

from autograder.mutants import patched

HINT = "stays at its start"

patched(
    "hw1.update",
    (
        "learning_rate = ppo_agent.linear_schedule(*self.learning_rate, progress)",
        "learning_rate = self.learning_rate[0]",
    ),
)
