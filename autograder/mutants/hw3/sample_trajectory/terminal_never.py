"""Stores truncated as terminal."""

from autograder.mutants import patched

HINT = "end is not marked"

patched("hw3.sample_trajectory", ("terminals.append(terminated)", "terminals.append(truncated)"))
