"""Takes -1000: legal logits may be lower."""

from autograder.mutants import patched

HINT = "Legal logits may be as low"

patched(
    "hw5.mask_logits",
    ("return torch.where(legal, logits, ILLEGAL)", "return torch.where(legal, logits, -1000.0)"),
)
