"""Looks back into the episode before."""

from autograder.mutants import patched

HINT = "begins is ignored"

patched("hw4.observation_history", ("torch.where(begins[..., 0], steps, 0)", "torch.zeros_like(steps)"))
