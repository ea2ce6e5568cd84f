"""Returns numbers."""

from autograder.mutants import patched

HINT = "Flags stay bool"

patched(
    "hw2.expand_done",
    (
        "return done.unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)",
        "return done.unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1).float()",
    ),
)
