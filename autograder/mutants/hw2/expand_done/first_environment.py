"""Takes the flags of environment 0 for all."""

from autograder.mutants import patched

HINT = "the flags of environment 0"

patched(
    "hw2.expand_done",
    (
        "return done.unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)",
        "return done[:1].unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)",
    ),
)
