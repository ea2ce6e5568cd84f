"""A training costs train_batch_size inserts."""

from autograder.mutants import patched

HINT = "the ratio is missing"

patched(
    "hw5.should_train",
    ("costs = self.train_batch_size / self.production_consume_ratio", "costs = self.train_batch_size"),
)
