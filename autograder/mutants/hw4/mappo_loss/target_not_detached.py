"""Lets the gradient flow into the target."""

from autograder.mutants import patched

HINT = "value_target.detach()"

patched("hw4.mappo_loss", ("value_target.detach()", "value_target"))
