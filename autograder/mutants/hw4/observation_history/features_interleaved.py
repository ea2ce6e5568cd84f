"""Puts the same feature of all observations side by side."""

from autograder.mutants import patched

HINT = "interleaved"

patched("hw4.observation_history", ("torch.cat(older, dim=-1)", "torch.stack(older, dim=-1).flatten(-2)"))
