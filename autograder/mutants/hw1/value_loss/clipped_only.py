"""Counts the clipped value alone."""

from autograder.mutants import patched

HINT = "Only the clipped value"

patched(
    "hw1.value_loss",
    (
        "torch.max((value - returns) ** 2, (clipped_value - returns) ** 2).mean()",
        "((clipped_value - returns) ** 2).mean()",
    ),
)
