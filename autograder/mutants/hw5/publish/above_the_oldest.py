"""Compares with the oldest version."""

from autograder.mutants import patched

HINT = "not with the oldest"

patched(
    "hw5.publish",
    ("max(self.versions(), default=-1)", "min(self.versions(), default=-1)"),
)
