"""Stores terminated or truncated as terminal."""

from autograder.mutants import patched

HINT = "not terminated or truncated"

patched(
    "hw3.sample_trajectory", ("terminals.append(terminated)", "terminals.append(terminated or truncated)")
)
