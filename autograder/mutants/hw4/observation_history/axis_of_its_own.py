"""Gives the history an axis of its own."""

from autograder.mutants import patched

HINT = "length * features"

patched("hw4.observation_history", ("torch.cat(older, dim=-1)", "torch.stack(older, dim=-2)"))
