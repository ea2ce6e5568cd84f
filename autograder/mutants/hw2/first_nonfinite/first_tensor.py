"""Tells the first tensor that breaks anywhere."""

from autograder.mutants import patched

HINT = "first tensor that breaks"

patched(
    "hw2.first_nonfinite",
    (
        "return min(first_steps.items(), key=lambda item: item[1], default=None)",
        "return next(iter(first_steps.items()), None)",
    ),
)
