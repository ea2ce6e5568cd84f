"""Adds the next values to the rewards that were given."""

from autograder.mutants import patched

HINT = "Compute in your own copies"

patched(
    "hw5.vtrace",
    (
        "deltas = rho * (rewards + gamma * following - values)",
        "rewards += gamma * following\n    deltas = rho * (rewards - values)",
    ),
)
