"""Accepts the newest version again."""

from autograder.mutants import patched

HINT = "the same once more is not"

patched(
    "hw5.publish",
    ("version <= newest", "version < newest"),
)
