"""Cuts the gradient of the entropy."""

from autograder.mutants import patched

HINT = "Do not detach the entropy"

patched("hw4.mappo_loss", ("-entropy_eps * entropy", "-entropy_eps * entropy.detach()"))
