"""Removes old versions before the new one is there."""

from autograder.mutants import patched

HINT = "only after the new one is there"

patched(
    "hw5.publish",
    (
        "    content = pool.to_bytes(state)\n",
        "    content = pool.to_bytes(state)\n    for old in self.versions()[: len(self.versions()) + 1 - self.keep]:\n        self.remove(old)\n",
    ),
)
