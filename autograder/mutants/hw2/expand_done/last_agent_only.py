"""Tells the last agent only."""

from autograder.mutants import patched

HINT = "Only the last agent"

patched(
    "hw2.expand_done",
    (
        "return done.unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)",
        "return done.unsqueeze(-2) & (torch.arange(n_agents)[:, None] == n_agents - 1)",
    ),
)
