"""Lets the gradient flow through the target."""

from autograder.mutants import patched

HINT = "Gradients flow through the target"

patched("hw3.update_critic", ("torch.no_grad()", "torch.enable_grad()"))
