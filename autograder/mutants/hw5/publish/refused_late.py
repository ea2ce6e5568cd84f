"""Refuses an old version after it has written."""

from autograder.mutants import patched

HINT = "A version that is refused changes nothing"

patched(
    "hw5.publish",
    (
        '    newest = max(self.versions(), default=-1)\n    if version <= newest:\n        raise ValueError(f"version is {version}: expected above {newest}, the newest in {self.directory}")\n',
        "    newest = max(self.versions(), default=-1)\n",
    ),
    (
        "    return True\n",
        '    if version <= newest:\n        raise ValueError(f"version {version}, newest {newest}")\n    return True\n',
    ),
)
