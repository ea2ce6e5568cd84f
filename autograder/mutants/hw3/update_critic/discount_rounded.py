"""Rounds the discount to two decimals."""

from autograder.mutants import patched

HINT = "not rounded"

patched("hw3.update_critic", ("self.discount *", "round(self.discount, 2) *"))
