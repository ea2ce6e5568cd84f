"""Keeps the first learning rate."""

from autograder.mutants import patched

HINT = "keeps its first value"

patched(
    "hw1.update",
    (
        "learning_rate = ppo_agent.linear_schedule(*self.learning_rate, progress)",
        "learning_rate = self.learning_rate[0]",
    ),
)
