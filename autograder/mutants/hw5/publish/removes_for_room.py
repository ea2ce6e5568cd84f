"""Removes old versions where the disk is full."""

from autograder.mutants import patched

HINT = "What was published before stays"

patched(
    "hw5.publish",
    (
        "        return False\n",
        "        for old in self.versions():\n            self.remove(old)\n        return False\n",
    ),
)
