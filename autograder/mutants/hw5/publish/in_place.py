"""Writes the file under its own name."""

from autograder.mutants import patched

HINT = "The file has its name before it is whole"

patched(
    "hw5.publish",
    ('unfinished = Path(self.directory) / "unfinished"', "unfinished = self.path(version)"),
    ("os.replace(unfinished, self.path(version))", "pass"),
)
