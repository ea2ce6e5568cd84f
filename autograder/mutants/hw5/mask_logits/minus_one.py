"""Lowers illegal logits by 1."""

from autograder.mutants import patched

HINT = "only 1 lower"

patched(
    "hw5.mask_logits",
    ("return torch.where(legal, logits, ILLEGAL)", "return logits - 1.0 * ~legal"),
)
