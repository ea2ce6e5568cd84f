"""Does not weigh the value loss."""

from autograder.mutants import patched

HINT = "vf_coef is missing"

patched("hw1.update", ("self.vf_coef * critic_loss", "critic_loss"))
