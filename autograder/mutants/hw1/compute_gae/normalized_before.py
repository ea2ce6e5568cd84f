"""Normalises the advantages before the returns are formed."""

from autograder.mutants import patched

HINT = "normalised before"

patched(
    "hw1.compute_gae",
    (
        "    returns = advantages + values",
        "    returns = (advantages - advantages.mean()) / (advantages.std() + 1e-8) + values",
    ),
)
