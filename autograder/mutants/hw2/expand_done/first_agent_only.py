"""Tells agent 0 only."""

from autograder.mutants import patched

HINT = "Only agent 0"

patched(
    "hw2.expand_done",
    (
        "return done.unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)",
        "return done.unsqueeze(-2) & (torch.arange(n_agents)[:, None] == 0)",
    ),
)
