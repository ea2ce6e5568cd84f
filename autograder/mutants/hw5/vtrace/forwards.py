"""Runs forwards."""

from autograder.mutants import patched

HINT = "delta = r + gamma"

patched(
    "hw5.vtrace",
    ("reversed(range(len(deltas)))", "range(len(deltas))"),
)
