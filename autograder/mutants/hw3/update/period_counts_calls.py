"""Counts its own calls instead of using the step."""

from autograder.mutants import patched

HINT = "use the given step"

patched(
    "hw3.update", ("    if step %", '    self.calls = getattr(self, "calls", 0) + 1\n    if self.calls %')
)
