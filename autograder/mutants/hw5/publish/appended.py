"""Appends to what a killed process left."""

from autograder.mutants import patched

HINT = "open it anew"

patched(
    "hw5.publish",
    ('open(unfinished, "wb")', 'open(unfinished, "ab")'),
)
