"""Bootstraps from terminal states."""

from autograder.mutants import patched

HINT = "done is ignored"

patched("hw3.update_critic", (" * (1.0 - done.float())", ""))
