"""Lowers illegal logits by 10."""

from autograder.mutants import patched

HINT = "Small is not enough"

patched(
    "hw5.mask_logits",
    ("return torch.where(legal, logits, ILLEGAL)", "return torch.where(legal, logits, logits - 20.0)"),
)
