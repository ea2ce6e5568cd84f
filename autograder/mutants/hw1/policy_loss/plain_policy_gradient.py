"""Weighs log-probabilities by advantages."""

from autograder.mutants import patched

HINT = "plain policy gradient"

patched(
    "hw1.policy_loss", ("torch.min(ratio * advantage, clipped_ratio * advantage)", "(log_prob * advantage)")
)
