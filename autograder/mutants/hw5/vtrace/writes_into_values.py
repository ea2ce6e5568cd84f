"""Writes the targets into the values."""

from autograder.mutants import patched

HINT = "Compute in your own copies"

patched(
    "hw5.vtrace",
    (
        "targets, advantages = np.zeros_like(deltas), np.zeros_like(deltas)",
        "targets, advantages = values, np.zeros_like(deltas)",
    ),
)
