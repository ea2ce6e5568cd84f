"""Asks for twice the room."""

from autograder.mutants import patched

HINT = "has_room says True where just enough is free"

patched(
    "hw5.publish",
    ("self.has_room(len(content))", "self.has_room(2 * len(content))"),
)
