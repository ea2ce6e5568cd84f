"""Allows for 0.0001 of an insert."""

from autograder.mutants import patched

HINT = "1e-9 of an insert, not more"

patched(
    "hw5.should_train",
    ("1e-9", "1e-4"),
)
