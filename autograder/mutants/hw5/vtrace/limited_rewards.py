"""Limits the rewards."""

from autograder.mutants import patched

HINT = "Nothing limits rewards"

patched(
    "hw5.vtrace",
    ("    deltas = rho * (rewards", "    deltas = rho * (rewards.clip(-10, 10)"),
)
