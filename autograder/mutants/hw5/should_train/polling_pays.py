"""Counts a question as a training."""

from autograder.mutants import patched

HINT = "sample moves the counters"

patched(
    "hw5.should_train",
    (
        'return bool(self.counts["inserted"] - self.inserted_at_training >= costs - 1e-9)',
        'due = bool(self.counts["inserted"] - self.inserted_at_training >= costs - 1e-9)\n    if due:\n        self.inserted_at_training = float(self.counts["inserted"])\n    return due',
    ),
)
