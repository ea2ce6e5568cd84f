"""Clips the values by the clip range of the policy."""

from autograder.mutants import patched

HINT = "clip range of its own"

patched("hw1.update", ('batch["returns"], self.clip_range_vf)', 'batch["returns"], clip_range)'))
