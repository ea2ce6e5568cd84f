"""Lets the gradient flow into the advantage."""

from autograder.mutants import patched

HINT = "advantage.detach()"

patched("hw4.mappo_loss", ("advantage.detach().squeeze", "advantage.squeeze"))
