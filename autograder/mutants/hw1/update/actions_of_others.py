"""Shuffles observations and actions differently."""

from autograder.mutants import patched

HINT = "n_epochs"

patched(
    "hw1.update",
    ('batch["observations"], batch["actions"])', 'batch["observations"], batch["actions"].flip(0))'),
)
