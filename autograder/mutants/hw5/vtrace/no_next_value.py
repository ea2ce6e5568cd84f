"""Leaves the next value out."""

from autograder.mutants import patched

HINT = "The next value is missing"

patched(
    "hw5.vtrace",
    ("+ gamma * following", ""),
)
