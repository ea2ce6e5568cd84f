"""Never changes."""

from autograder.mutants import patched

HINT = "never changes"

patched("hw1.linear_schedule", (" + min(max(progress, 0.0), 1.0) * (end - start)", ""))
