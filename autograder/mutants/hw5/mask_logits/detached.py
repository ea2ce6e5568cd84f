"""Cuts the gradient."""

from autograder.mutants import patched

HINT = "No gradient arrives"

patched(
    "hw5.mask_logits",
    ("return torch.where(legal, logits, ILLEGAL)", "return torch.where(legal, logits.detach(), ILLEGAL)"),
)
