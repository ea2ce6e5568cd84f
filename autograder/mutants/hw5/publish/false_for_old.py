"""Returns False for an old version."""

from autograder.mutants import patched

HINT = "Only a version above all there are"

patched(
    "hw5.publish",
    (
        'raise ValueError(f"version is {version}: expected above {newest}, the newest in {self.directory}")',
        "return False",
    ),
)
