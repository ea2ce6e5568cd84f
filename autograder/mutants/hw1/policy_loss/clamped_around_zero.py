"""Clamps the ratio around 0."""

from autograder.mutants import patched

HINT = "clamped around 1"

patched("hw1.policy_loss", ("1.0 - clip_range, 1.0 + clip_range", "-clip_range, clip_range"))
