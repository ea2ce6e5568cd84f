"""Lets the gradient into the advantage."""

from autograder.mutants import patched

HINT = "flow into the advantage"

patched("hw1.policy_loss", ("    advantage = advantage.detach()\n", ""))
