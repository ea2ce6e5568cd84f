"""Stays True once an episode has ended."""

from autograder.mutants import patched

HINT = "every later step"

patched(
    "hw2.expand_done",
    (
        "return done.unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)",
        "return done.long().cummax(dim=1).values.bool().unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)",
    ),
)
