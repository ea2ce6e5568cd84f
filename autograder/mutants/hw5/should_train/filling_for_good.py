"""Compares with preload always."""

from autograder.mutants import patched

HINT = "only the inserts since"

patched(
    "hw5.should_train",
    ("if self.filling:", "if True:"),
)
