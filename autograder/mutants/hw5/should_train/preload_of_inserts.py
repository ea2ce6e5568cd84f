"""Counts inserts while filling."""

from autograder.mutants import patched

HINT = "After clear the buffer fills up again"

patched(
    "hw5.should_train",
    ("len(self) >= self.preload", 'self.counts["inserted"] >= self.preload'),
)
