"""Puts the agents in front."""

from autograder.mutants import patched

HINT = "stands in front"

patched(
    "hw2.expand_done",
    (
        "return done.unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)",
        "return done.expand(n_agents, *done.shape)",
    ),
)
