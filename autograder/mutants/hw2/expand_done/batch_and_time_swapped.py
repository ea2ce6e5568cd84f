"""Swaps the first two axes."""

from autograder.mutants import patched

HINT = "swapped"

patched(
    "hw2.expand_done",
    (
        "return done.unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)",
        "return done.transpose(0, 1).unsqueeze(-2).expand(-1, -1, n_agents, 1)",
    ),
)
