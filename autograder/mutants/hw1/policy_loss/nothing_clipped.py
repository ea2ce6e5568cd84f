"""Leaves the clipped objective out."""

from autograder.mutants import patched

HINT = "Nothing is clipped"

patched("hw1.policy_loss", ("torch.min(ratio * advantage, clipped_ratio * advantage)", "(ratio * advantage)"))
