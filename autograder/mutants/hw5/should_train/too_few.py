"""Does not look whether there are enough."""

from autograder.mutants import patched

HINT = "There are fewer trajectories than a training takes"

patched(
    "hw5.should_train",
    ("    if len(self) < self.train_batch_size:\n        return False\n", ""),
)
