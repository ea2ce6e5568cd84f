"""Ends at 0."""

from autograder.mutants import patched

HINT = "must end at end"

patched(
    "hw1.linear_schedule",
    ("start + min(max(progress, 0.0), 1.0) * (end - start)", "start * (1.0 - min(max(progress, 0.0), 1.0))"),
)
