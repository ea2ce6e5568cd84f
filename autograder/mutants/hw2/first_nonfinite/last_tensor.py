"""Tells the last tensor that breaks."""

from autograder.mutants import patched

HINT = "last tensor that breaks"

patched(
    "hw2.first_nonfinite",
    (
        "return min(first_steps.items(), key=lambda item: item[1], default=None)",
        "return list(first_steps.items())[-1] if first_steps else None",
    ),
)
