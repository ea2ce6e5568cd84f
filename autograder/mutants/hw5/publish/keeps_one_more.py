"""Keeps one more."""

from autograder.mutants import patched

HINT = "The newest `keep` versions stay"

patched(
    "hw5.publish",
    ("[: -self.keep]", "[: -self.keep - 1]"),
)
