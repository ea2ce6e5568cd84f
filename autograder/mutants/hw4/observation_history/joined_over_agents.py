"""Joins the observations along the agents' axis."""

from autograder.mutants import patched

HINT = "along the last axis"

patched("hw4.observation_history", ("torch.cat(older, dim=-1)", "torch.cat(older, dim=2)"))
