"""Lets gradients flow."""

from autograder.mutants import patched

HINT = "A gradient flows"

patched("hw4.multi_agent_gae", ("with torch.no_grad():", "if True:"))
