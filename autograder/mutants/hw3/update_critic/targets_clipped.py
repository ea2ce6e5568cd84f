"""Clips the targets to -100..100."""

from autograder.mutants import patched

HINT = "targets are clipped"

patched(
    "hw3.update_critic",
    ("    q_values = self", "    target_values = target_values.clamp(-100.0, 100.0)\n    q_values = self"),
)
