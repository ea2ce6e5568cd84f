"""Is at its end from the beginning."""

from autograder.mutants import patched

HINT = "at its end from the beginning"

patched("hw1.linear_schedule", ("start + min(max(progress, 0.0), 1.0) * (end - start)", "end"))
