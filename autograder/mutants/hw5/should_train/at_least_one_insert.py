"""A training costs at least one insert."""

from autograder.mutants import patched

HINT = "less than an insert"

patched(
    "hw5.should_train",
    (
        "costs = self.train_batch_size / self.production_consume_ratio",
        "costs = max(1.0, self.train_batch_size / self.production_consume_ratio)",
    ),
)
