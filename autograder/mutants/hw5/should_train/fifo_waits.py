"""Lets Fifo wait for new inserts."""

from autograder.mutants import patched

HINT = "Fifo hands out each trajectory once"

patched(
    "hw5.should_train",
    ('    if self.sampler == "Fifo":\n        return True\n', ""),
)
