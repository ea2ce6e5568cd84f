"""Marks the first step in the argument itself."""

from autograder.mutants import patched

HINT = "your own copies"

patched("hw4.observation_history", ("    begins = begins.clone()\n", ""))
