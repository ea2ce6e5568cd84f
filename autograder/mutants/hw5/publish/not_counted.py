"""Does not count failures."""

from autograder.mutants import patched

HINT = "self.failures += 1"

patched(
    "hw5.publish",
    ("        self.failures += 1\n", ""),
)
