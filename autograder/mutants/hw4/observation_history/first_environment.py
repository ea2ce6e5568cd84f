"""Cuts all histories where environment 0 begins an episode."""

from autograder.mutants import patched

HINT = "environment 0 begins"

patched(
    "hw4.observation_history",
    ("begins = begins.clone()", "begins = begins[:1].expand(begins.shape).clone()"),
)
