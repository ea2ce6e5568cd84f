"""Waits for one more than preload."""

from autograder.mutants import patched

HINT = "one trajectory late"

patched(
    "hw5.should_train",
    ("len(self) >= self.preload", "len(self) > self.preload"),
)
