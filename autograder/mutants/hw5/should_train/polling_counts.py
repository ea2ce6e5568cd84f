"""Counts the questions."""

from autograder.mutants import patched

HINT = "sample moves the counters"

patched(
    "hw5.should_train",
    (
        "costs = self.train_batch_size / self.production_consume_ratio",
        'costs = self.train_batch_size / self.production_consume_ratio\n    self.counts["asked"] = self.counts.get("asked", 0) + 1',
    ),
)
