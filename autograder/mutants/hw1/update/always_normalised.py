"""Normalises though it should not."""

from autograder.mutants import patched

HINT = "normalised though"

patched("hw1.update", ("if self.normalize_advantages:", "if True:"))
