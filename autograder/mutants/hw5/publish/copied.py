"""Copies the finished file to its name."""

from autograder.mutants import patched

HINT = "The file has its name before it is whole"

patched(
    "hw5.publish",
    (
        "os.replace(unfinished, self.path(version))",
        "self.path(version).write_bytes(unfinished.read_bytes())\n        unfinished.unlink()",
    ),
)
