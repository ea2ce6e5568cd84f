"""Does not ask whether there is room."""

from autograder.mutants import patched

HINT = "asked before anything is written"

patched(
    "hw5.publish",
    ('        if not self.has_room(len(content)):\n            raise OSError("no room")\n', ""),
)
