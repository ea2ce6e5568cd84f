"""Cuts fractions off."""

from autograder.mutants import patched

HINT = "fractions too"

patched(
    "hw5.should_train",
    (
        "costs = self.train_batch_size / self.production_consume_ratio",
        "costs = int(self.train_batch_size / self.production_consume_ratio)",
    ),
)
