"""Trains after each insert."""

from autograder.mutants import patched

HINT = "one insert is not always enough"

patched(
    "hw5.should_train",
    ("costs = self.train_batch_size / self.production_consume_ratio", "costs = 1"),
)
