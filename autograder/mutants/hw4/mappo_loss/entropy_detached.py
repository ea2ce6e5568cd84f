"""Cuts the gradient of the entropy."""

from autograder.mutants import patched

HINT = "No gradient arrives"

patched("hw4.mappo_loss", ("-entropy_eps * entropy", "-entropy_eps * entropy.detach()"))
