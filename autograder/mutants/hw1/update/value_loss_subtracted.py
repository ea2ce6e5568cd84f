"""Subtracts the value loss."""

from autograder.mutants import patched

HINT = "value loss has the wrong sign"

patched("hw1.update", ("+ self.vf_coef", "- self.vf_coef"))
