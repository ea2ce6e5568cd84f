"""Adds the logarithm of the mask, which is minus infinity."""

from autograder.mutants import patched

HINT = "Minus infinity has probability 0 too"

patched(
    "hw5.mask_logits",
    ("return torch.where(legal, logits, ILLEGAL)", "return logits + legal.log()"),
)
