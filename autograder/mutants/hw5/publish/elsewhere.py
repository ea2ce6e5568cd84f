"""Writes the unfinished file into another directory."""

from autograder.mutants import patched

HINT = "Between two disks there is no renaming"

patched(
    "hw5.publish",
    ('Path(self.directory) / "unfinished"', 'Path(self.directory).parent / "unfinished"'),
)
