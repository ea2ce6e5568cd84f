"""Waits for a full buffer."""

from autograder.mutants import patched

HINT = "The first training waits for a full buffer"

patched(
    "hw5.should_train",
    ("len(self) >= self.preload", "len(self) >= self.capacity"),
)
