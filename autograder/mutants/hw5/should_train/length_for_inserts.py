"""Counts what is in the buffer."""

from autograder.mutants import patched

HINT = "len(self) no longer grows"

patched(
    "hw5.should_train",
    ('self.counts["inserted"] - self', "len(self) - self"),
)
