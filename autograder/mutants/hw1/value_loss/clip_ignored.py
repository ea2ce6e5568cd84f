"""Ignores the clip range."""

from autograder.mutants import patched

HINT = "no effect"

patched("hw1.value_loss", ("if clip_range is None:", "if True:"))
