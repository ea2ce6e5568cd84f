"""Keeps the files that were written last."""

from autograder.mutants import patched

HINT = "count them, as their numbers have gaps"

patched(
    "hw5.publish",
    (
        "self.versions()[: -self.keep]",
        "sorted(self.versions(), key=lambda v: self.path(v).stat().st_mtime)[: -self.keep]",
    ),
)
