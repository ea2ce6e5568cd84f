"""Cuts the samples in their old order."""

from autograder.mutants import patched

HINT = "old order"

patched(
    "hw1.update",
    ("values[order].unbind()", "values.reshape(-1, self.batch_size, *values.shape[1:]).unbind()"),
)
