"""Stores truncated as terminal."""

from autograder.mutants import patched

HINT = "No end is marked"

patched("hw3.sample_trajectory", ("terminals.append(terminated)", "terminals.append(truncated)"))
