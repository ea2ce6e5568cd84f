"""Returns float64."""

from autograder.mutants import patched

HINT = "As the logits have it"

patched(
    "hw5.mask_logits",
    ("return torch.where(legal, logits, ILLEGAL)", "return torch.where(legal, logits.double(), ILLEGAL)"),
)
