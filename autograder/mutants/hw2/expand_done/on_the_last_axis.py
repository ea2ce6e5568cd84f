"""Repeats along the last axis."""

from autograder.mutants import patched

HINT = "stand on the last axis"

patched(
    "hw2.expand_done",
    (
        "return done.unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)",
        "return done.expand(*done.shape[:-1], n_agents)",
    ),
)
