"""Remembers the last answer in the buffer."""

from autograder.mutants import patched

HINT = "sample moves the counters"

patched(
    "hw5.should_train",
    (
        'return bool(self.counts["inserted"] - self.inserted_at_training >= costs - 1e-9)',
        'self.due = bool(self.counts["inserted"] - self.inserted_at_training >= costs - 1e-9)\n    return self.due',
    ),
)
