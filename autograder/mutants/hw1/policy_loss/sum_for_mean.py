"""Sums over the batch."""

from autograder.mutants import patched

HINT = "sum over the batch"

patched("hw1.policy_loss", ("advantage).mean()", "advantage).sum()"))
