"""Returns True where the disk refused."""

from autograder.mutants import patched

HINT = "False says that the weights are not in the pool"

patched(
    "hw5.publish",
    ("return False\n", "return True\n"),
)
