"""Swaps old values and returns."""

from autograder.mutants import patched

HINT = "order of the arguments"

patched("hw1.update", ('batch["values"], batch["returns"]', 'batch["returns"], batch["values"]'))
