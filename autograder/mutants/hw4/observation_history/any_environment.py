"""Cuts all histories where any environment begins an episode."""

from autograder.mutants import patched

HINT = "cuts the histories of all"

patched(
    "hw4.observation_history",
    ("begins = begins.clone()", "begins = begins.any(dim=0, keepdim=True).expand(begins.shape).clone()"),
)
