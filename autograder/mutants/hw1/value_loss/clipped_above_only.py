"""Clips the step above only."""

from autograder.mutants import patched

HINT = "above only"

patched("hw1.value_loss", ("clamp(-clip_range, clip_range)", "clamp(max=clip_range)"))
