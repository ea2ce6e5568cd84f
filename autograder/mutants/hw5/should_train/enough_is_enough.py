"""Asks only whether there are enough."""

from autograder.mutants import patched

HINT = "The first training does not wait"

patched(
    "hw5.should_train",
    ("    if self.filling:\n        return len(self) >= self.preload\n", ""),
    ('    if self.sampler == "Fifo":\n        return True\n', ""),
    ('return bool(self.counts["inserted"] - self.inserted_at_training >= costs - 1e-9)', "return True"),
)
