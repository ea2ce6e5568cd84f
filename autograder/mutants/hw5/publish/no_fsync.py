"""Does not synchronise."""

from autograder.mutants import patched

HINT = "os.fsync(file.fileno())"

patched(
    "hw5.publish",
    ("            os.fsync(file.fileno())\n", ""),
)
