"""Removes what others may be writing."""

from autograder.mutants import patched

HINT = "and nothing else"

patched(
    "hw5.publish",
    (
        "    return True\n",
        '    for path in self.directory.glob("*.tmp"):\n        path.unlink()\n    return True\n',
    ),
)
