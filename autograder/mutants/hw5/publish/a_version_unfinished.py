"""Gives the unfinished file the name of a later version."""

from autograder.mutants import patched

HINT = "what is unfinished counts as no version"

patched(
    "hw5.publish",
    ('Path(self.directory) / "unfinished"', "self.path(version + 1)"),
)
