"""Refuses to write over a file that a killed process left."""

from autograder.mutants import patched

HINT = "What is left must not be in the way"

patched(
    "hw5.publish",
    ('open(unfinished, "wb")', 'open(unfinished, "xb")'),
)
