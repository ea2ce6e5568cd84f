"""Adds a large negative number, so that a gradient flows through illegal logits."""

from autograder.mutants import patched

HINT = "A gradient flows through the illegal logits too"

patched(
    "hw5.mask_logits",
    ("return torch.where(legal, logits, ILLEGAL)", "return logits + ILLEGAL * ~legal"),
)
