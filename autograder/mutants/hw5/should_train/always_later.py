"""Always trains after the first time."""

from autograder.mutants import patched

HINT = "After the first training one is always due"

patched(
    "hw5.should_train",
    ('return bool(self.counts["inserted"] - self.inserted_at_training >= costs - 1e-9)', "return True"),
)
