"""Repeats along time and reshapes."""

from autograder.mutants import patched

HINT = "mixed up"

patched(
    "hw2.expand_done",
    (
        "return done.unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)",
        "return done.repeat(1, n_agents, 1).reshape(*done.shape[:-1], n_agents, 1)",
    ),
)
