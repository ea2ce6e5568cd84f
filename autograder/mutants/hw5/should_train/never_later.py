"""Trains once only."""

from autograder.mutants import patched

HINT = "none is ever due"

patched(
    "hw5.should_train",
    ('return bool(self.counts["inserted"] - self.inserted_at_training >= costs - 1e-9)', "return False"),
)
