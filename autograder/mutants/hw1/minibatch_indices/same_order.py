"""Draws the same order in every call."""

from autograder.mutants import patched

HINT = "You set a seed inside"

patched("hw1.minibatch_indices", ("    return", "    torch.manual_seed(0)\n    return"))
