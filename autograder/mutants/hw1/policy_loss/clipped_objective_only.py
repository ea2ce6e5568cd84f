"""Leaves the unclipped objective out."""

from autograder.mutants import patched

HINT = "only the clipped objective"

patched(
    "hw1.policy_loss",
    ("torch.min(ratio * advantage, clipped_ratio * advantage)", "(clipped_ratio * advantage)"),
)
