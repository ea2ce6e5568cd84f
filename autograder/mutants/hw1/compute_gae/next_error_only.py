"""Adds the next error and not the next advantage."""

from autograder.mutants import patched

HINT = "Only the next error is added"

patched(
    "hw1.compute_gae",
    (
        "        advantages[t] = following\n",
        ("        advantages[t] = following\n        following = deltas[t]\n"),
    ),
)
