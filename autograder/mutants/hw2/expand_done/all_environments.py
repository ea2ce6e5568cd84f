"""Ends all environments where one ends."""

from autograder.mutants import patched

HINT = "ends all others"

patched(
    "hw2.expand_done",
    (
        "return done.unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)",
        "return done.any(dim=0, keepdim=True).unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)",
    ),
)
