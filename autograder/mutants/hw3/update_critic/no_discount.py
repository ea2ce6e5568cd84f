"""Leaves the discount out."""

from autograder.mutants import patched

HINT = "The discount is missing"

patched("hw3.update_critic", (" self.discount *", ""))
