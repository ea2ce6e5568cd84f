"""Compares with the ratio."""

from autograder.mutants import patched

HINT = "the ratio alone says nothing"

patched(
    "hw5.should_train",
    (
        "costs = self.train_batch_size / self.production_consume_ratio",
        "costs = self.production_consume_ratio",
    ),
)
