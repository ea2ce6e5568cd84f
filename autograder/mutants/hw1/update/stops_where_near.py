"""Stops where the policy has not moved."""

from autograder.mutants import patched

HINT = "wrong way round"

patched("hw1.update", ("> 1.5 * self.target_kl", "< 1.5 * self.target_kl"))
