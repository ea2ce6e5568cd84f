"""Counts from the number of trainings, not from what was paid for."""

from autograder.mutants import patched

HINT = "only the inserts since"

patched(
    "hw5.should_train",
    (
        'return bool(self.counts["inserted"] - self.inserted_at_training >= costs - 1e-9)',
        'paid = self.preload + (self.counts["trainings"] - 1) * costs\n    return bool(self.counts["inserted"] - paid >= costs - 1e-9)',
    ),
)
