"""Removes the newest."""

from autograder.mutants import patched

HINT = "The newest `keep` versions stay"

patched(
    "hw5.publish",
    ("self.versions()[: -self.keep]", "self.versions()[self.keep :]"),
)
