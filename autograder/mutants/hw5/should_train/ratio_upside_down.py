"""Multiplies by the ratio."""

from autograder.mutants import patched

HINT = "divide by the ratio"

patched(
    "hw5.should_train",
    (
        "costs = self.train_batch_size / self.production_consume_ratio",
        "costs = self.train_batch_size * self.production_consume_ratio",
    ),
)
