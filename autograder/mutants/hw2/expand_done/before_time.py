"""Puts the agents before time."""

from autograder.mutants import patched

HINT = "stands before time"

patched(
    "hw2.expand_done",
    (
        "return done.unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)",
        "return done.unsqueeze(1).expand(done.shape[0], n_agents, *done.shape[1:])",
    ),
)
