"""Fills up only before the very first training."""

from autograder.mutants import patched

HINT = "After clear the buffer fills up again"

patched(
    "hw5.should_train",
    ("if self.filling:", 'if self.counts["trainings"] == 0:'),
)
