"""Accepts every version."""

from autograder.mutants import patched

HINT = "Only a version above all there are"

patched(
    "hw5.publish",
    (
        '    newest = max(self.versions(), default=-1)\n    if version <= newest:\n        raise ValueError(f"version is {version}: expected above {newest}, the newest in {self.directory}")\n',
        "",
    ),
)
