"""Turns the answer round."""

from autograder.mutants import patched

HINT = "The answer"

patched(
    "hw5.should_train",
    (
        "    if len(self) < self.train_batch_size:\n        return False\n",
        "    if len(self) < self.train_batch_size:\n        return True\n",
    ),
    ("return len(self) >= self.preload", "return len(self) < self.preload"),
    ('"Fifo":\n        return True', '"Fifo":\n        return False'),
    (">= costs", "< costs"),
)
