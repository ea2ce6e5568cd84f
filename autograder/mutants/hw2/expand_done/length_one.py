"""Makes the axis, with one entry."""

from autograder.mutants import patched

HINT = "The new axis has length 1"

patched(
    "hw2.expand_done",
    ("return done.unsqueeze(-2).expand(*done.shape[:-1], n_agents, 1)", "return done.unsqueeze(-2)"),
)
