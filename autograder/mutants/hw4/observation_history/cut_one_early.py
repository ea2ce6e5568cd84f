"""Cuts the history at the last step of the episode before."""

from autograder.mutants import patched

HINT = "one step early"

patched("hw4.observation_history", ("begins[:, 0] = True", "begins[:, :-1] = begins[:, 1:].clone()"))
