"""Leaves the unfinished file."""

from autograder.mutants import patched

HINT = "Remove the unfinished file"

patched(
    "hw5.publish",
    ("        unfinished.unlink(missing_ok=True)\n", ""),
)
