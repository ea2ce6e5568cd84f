"""Compares sums of fractions exactly."""

from autograder.mutants import patched

HINT = "rounding errors"

patched(
    "hw5.should_train",
    ("costs - 1e-9", "costs"),
)
