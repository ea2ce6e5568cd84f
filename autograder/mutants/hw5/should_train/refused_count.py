"""Counts what was refused as inserts."""

from autograder.mutants import patched

HINT = "What came twice was refused"

patched(
    "hw5.should_train",
    (
        'self.counts["inserted"] - self.inserted_at_training',
        'self.counts["inserted"] + self.counts["duplicates"] - self.inserted_at_training',
    ),
)
