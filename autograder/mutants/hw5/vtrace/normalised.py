"""Normalises the advantages."""

from autograder.mutants import patched

HINT = "delta = r + gamma"

patched(
    "hw5.vtrace",
    (
        "return targets, advantages",
        "return targets, (advantages - advantages.mean()) / (advantages.std() + 1e-8)",
    ),
)
