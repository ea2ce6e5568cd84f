"""Gives the earliest step the first tensor's name."""

from autograder.mutants import patched

HINT = "another tensor's"

patched(
    "hw2.first_nonfinite",
    (
        "return min(first_steps.items(), key=lambda item: item[1], default=None)",
        "return (next(iter(first_steps)), min(first_steps.values())) if first_steps else None",
    ),
)
