"""Cuts the gradient of the critic."""

from autograder.mutants import patched

HINT = "do not detach the value"

patched("hw4.mappo_loss", ("(value - value_target.detach())", "(value.detach() - value_target.detach())"))
