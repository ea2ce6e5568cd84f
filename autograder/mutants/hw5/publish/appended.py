"""Appends to what a killed process left."""

from autograder.mutants import patched

HINT = "open it again"

patched(
    "hw5.publish",
    ('open(unfinished, "wb")', 'open(unfinished, "ab")'),
)
