"""Cuts the history one step after the beginning."""

from autograder.mutants import patched

HINT = "one step late"

patched("hw4.observation_history", ("begins[:, 0] = True", "begins[:, 1:] = begins[:, :-1].clone()"))
