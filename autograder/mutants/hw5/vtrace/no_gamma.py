"""Leaves the discount out."""

from autograder.mutants import patched

HINT = "The discount is missing"

patched(
    "hw5.vtrace",
    ("gamma * following", "following"),
    ("gamma * excess", "excess"),
)
