"""Subtracts a bool tensor from 1."""

from autograder.mutants import patched

HINT = "done.float()"

patched("hw3.update_critic", ("(1.0 - done.float())", "(1.0 - done)"))
