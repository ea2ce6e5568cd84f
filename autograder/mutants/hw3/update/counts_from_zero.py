"""Counts its own calls, from 0, and not the steps."""

from autograder.mutants import patched

HINT = "You count calls"

patched(
    "hw3.update",
    (
        "    if step % self",
        '    step = self.calls = getattr(self, "calls", -1) + 1\n    if step % self',
    ),
)
