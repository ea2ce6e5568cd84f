"""Removes every other file."""

from autograder.mutants import patched

HINT = "and nothing else"

patched(
    "hw5.publish",
    (
        "    return True\n",
        "    for path in self.directory.iterdir():\n        if path not in [self.path(known) for known in self.versions()]:\n            path.unlink()\n    return True\n",
    ),
)
