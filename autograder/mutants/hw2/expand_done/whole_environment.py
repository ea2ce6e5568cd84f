"""Ends every step of an environment in which one ended."""

from autograder.mutants import patched

HINT = "A whole environment"

patched(
    "hw2.expand_done",
    (
        "return done.unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)",
        "return done.any(dim=1, keepdim=True).unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)",
    ),
)
