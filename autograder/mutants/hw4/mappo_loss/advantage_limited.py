"""Limits the advantages."""

from autograder.mutants import patched

HINT = "The advantage is limited"

patched(
    "hw4.mappo_loss",
    ("advantage.detach().squeeze(-1)", "advantage.detach().squeeze(-1).clamp(-10, 10)"),
)
