"""Names the file without leading zeros."""

from autograder.mutants import patched

HINT = "that of self.path(version)"

patched(
    "hw5.publish",
    ("self.path(version))", 'self.directory / f"model-{version}.pt")'),
)
