"""Returns False for an old version."""

from autograder.mutants import patched

HINT = "False says that the disk did not take it"

patched(
    "hw5.publish",
    (
        'raise ValueError(f"version is {version}: expected above {newest}, the newest in {self.directory}")',
        "return False",
    ),
)
