"""Leaves the inner loop only."""

from autograder.mutants import patched

HINT = "Only the epoch ends"

patched("hw1.update", (("        if stopped:\n            break\n"), ""))
