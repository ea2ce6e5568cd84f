"""Asks whether there is room for nothing."""

from autograder.mutants import patched

HINT = "asked before anything is written"

patched(
    "hw5.publish",
    ("self.has_room(len(content))", "self.has_room(0)"),
)
