"""Removes one version at most."""

from autograder.mutants import patched

HINT = "however many there are"

patched(
    "hw5.publish",
    ("        self.remove(old)", "        self.remove(old)\n        break"),
)
