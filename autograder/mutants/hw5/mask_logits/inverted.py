"""Masks the legal ones."""

from autograder.mutants import patched

HINT = "The mask is the wrong way round"

patched(
    "hw5.mask_logits",
    ("return torch.where(legal, logits, ILLEGAL)", "return torch.where(legal, ILLEGAL, logits)"),
)
