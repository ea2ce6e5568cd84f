"""Asks for room after writing."""

from autograder.mutants import patched

HINT = "Ask has_room(len(content)) first"

patched(
    "hw5.publish",
    ('        if not self.has_room(len(content)):\n            raise OSError("no room")\n', ""),
    (
        "        os.replace(unfinished, self.path(version))\n",
        '        if not self.has_room(len(content)):\n            raise OSError("no room")\n        os.replace(unfinished, self.path(version))\n',
    ),
)
