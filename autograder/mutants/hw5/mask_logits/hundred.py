"""Takes -100, above which legal logits may not always be."""

from autograder.mutants import patched

HINT = "Small is not enough"

patched(
    "hw5.mask_logits",
    ("return torch.where(legal, logits, ILLEGAL)", "return torch.where(legal, logits, -80.0)"),
)
