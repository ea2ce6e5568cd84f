"""Counts all inserts."""

from autograder.mutants import patched

HINT = "only the inserts since"

patched(
    "hw5.should_train",
    (" - self.inserted_at_training", ""),
)
