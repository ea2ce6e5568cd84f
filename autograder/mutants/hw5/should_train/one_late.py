"""Waits for one insert more."""

from autograder.mutants import patched

HINT = "not one later"

patched(
    "hw5.should_train",
    (">= costs - 1e-9", "> costs + 1e-9"),
)
