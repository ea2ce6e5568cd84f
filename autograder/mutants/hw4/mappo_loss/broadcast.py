"""Leaves the advantage's last axis."""

from autograder.mutants import patched

HINT = "Broadcasting made ratios"

patched("hw4.mappo_loss", ("advantage.detach().squeeze(-1)", "advantage.detach()"))
