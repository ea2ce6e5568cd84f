"""Returns True where the disk refused."""

from autograder.mutants import patched

HINT = "No error may end the run"

patched(
    "hw5.publish",
    ("return False\n", "return True\n"),
)
