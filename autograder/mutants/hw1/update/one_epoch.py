"""Passes over the samples once."""

from autograder.mutants import patched

HINT = "Only one pass"

patched("hw1.update", ("range(self.n_epochs)", "range(1)"))
