"""Does not wait while filling."""

from autograder.mutants import patched

HINT = "The first training does not wait"

patched(
    "hw5.should_train",
    ("return len(self) >= self.preload", "return True"),
)
