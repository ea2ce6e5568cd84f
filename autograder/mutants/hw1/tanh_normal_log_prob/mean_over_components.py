"""Averages over the components."""

from autograder.mutants import patched

HINT = "average over the components"

patched("hw1.tanh_normal_log_prob", (".sum(dim=1)", ".mean(dim=1)"))
