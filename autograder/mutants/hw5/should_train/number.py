"""Returns how many trainings are due."""

from autograder.mutants import patched

HINT = "return True, return False"

patched(
    "hw5.should_train",
    (
        'return bool(self.counts["inserted"] - self.inserted_at_training >= costs - 1e-9)',
        'return int((self.counts["inserted"] - self.inserted_at_training + 1e-9) // costs)',
    ),
)
