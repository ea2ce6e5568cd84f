"""Bootstraps from the next row, whichever episode it belongs to."""

from autograder.mutants import patched

HINT = "next row"

patched(
    "hw1.compute_gae",
    ("gamma * next_values * ~", "gamma * np.concatenate([values[1:], next_values[-1:]]) * ~"),
)
