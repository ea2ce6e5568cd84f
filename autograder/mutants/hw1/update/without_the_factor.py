"""Stops at the target itself."""

from autograder.mutants import patched

HINT = "1.5 * self.target_kl"

patched("hw1.update", ("> 1.5 * self.target_kl", "> self.target_kl"))
