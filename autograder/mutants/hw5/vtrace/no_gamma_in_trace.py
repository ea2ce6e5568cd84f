"""Leaves the discount out of what is carried."""

from autograder.mutants import patched

HINT = "delta = r + gamma"

patched(
    "hw5.vtrace",
    ("gamma * excess", "excess"),
)
