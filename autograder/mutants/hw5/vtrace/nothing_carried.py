"""Carries nothing."""

from autograder.mutants import patched

HINT = "Nothing is carried"

patched(
    "hw5.vtrace",
    ("carried = gamma * excess *", "carried = 0 * excess *"),
)
