"""Returns the path."""

from autograder.mutants import patched

HINT = "return True once"

patched(
    "hw5.publish",
    ("    return True\n", "    return self.path(version)\n"),
)
