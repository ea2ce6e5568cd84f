"""Sums plain rewards where gamma and lambda are 1, and forgets the value at a time limit."""

from autograder.mutants import patched

HINT = "no special cases"

patched(
    "hw1.compute_gae",
    (
        "    same_episode =",
        "    if gamma * gae_lambda == 1.0:\n        deltas = np.where(truncated & ~terminated, rewards - values, deltas)\n    same_episode =",
    ),
)
