"""Names no version in the message."""

from autograder.mutants import patched

HINT = "wants to know both"

patched(
    "hw5.publish",
    (
        'f"version is {version}: expected above {newest}, the newest in {self.directory}"',
        '"not above the newest"',
    ),
)
