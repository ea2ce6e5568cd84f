"""Asks for approx_kl in the first epoch only."""

from autograder.mutants import patched

HINT = "in every epoch"

patched(
    "hw1.update",
    ("for _ in range", "for epoch in range"),
    ("self.target_kl is not None and", "epoch == 0 and self.target_kl is not None and"),
)
