"""Synchronises before everything is written."""

from autograder.mutants import patched

HINT = "file.flush() before os.fsync"

patched(
    "hw5.publish",
    ("            file.flush()\n", ""),
)
