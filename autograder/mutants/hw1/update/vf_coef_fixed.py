"""Weighs the value loss by 0.5."""

from autograder.mutants import patched

HINT = "fixed at 0.5"

patched("hw1.update", ("self.vf_coef * critic_loss", "0.5 * critic_loss"))
