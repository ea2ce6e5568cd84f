"""Refuses version 0."""

from autograder.mutants import patched

HINT = "0 is a version like any other"

patched(
    "hw5.publish",
    ("default=-1", "default=0"),
)
