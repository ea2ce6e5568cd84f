"""Forgets to sum over the components."""

from autograder.mutants import patched

HINT = "sum over the components"

patched("hw1.tanh_normal_log_prob", (".sum(dim=1)", ""))
