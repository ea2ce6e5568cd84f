"""Does not subtract the value."""

from autograder.mutants import patched

HINT = "not subtracted"

patched("hw1.compute_gae", (" - values", ""))
